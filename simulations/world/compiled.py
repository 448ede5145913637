"""The loops of walking and meeting, compiled by numba where it is installed.

Loading numba and its cache takes about half a second, so short walks of few are left to numpy. The
compiled code is kept beside this package, or in the person's cache folder where that is not
writable.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeVar

from simulations.world import arrays, loops
from simulations.world.loops import Floats, Ints

NODES_MIN: Final = 1000
"""From so many nodes on, numba has paid for itself after some hundred steps."""
WORK_MIN: Final = 6_000_000
"""With fewer nodes: steps done, times nodes and the 1000 that a step of numpy's costs anyhow."""

_F = TypeVar("_F", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Steps:
    """The work of one step, as :mod:`simulations.world.arrays` describes it.

    Attributes:
        how: "numpy" or "numba".
    """

    how: str
    advance: Callable[[Floats, Floats, Floats, Floats, Floats, float, float], None]
    due: Callable[[Floats, Floats, Floats, float], Ints]
    near_pairs: Callable[[Floats, Ints, int, float], Ints]


NUMPY: Final = Steps("numpy", arrays.advance, arrays.due, arrays.near_pairs)


def steps_for(nodes: int, done: int = 0) -> Steps:
    """Give what is fastest for so many nodes; the numbers are the same to the last bit.

    Args:
        done: steps that numpy has done already: who walks for long goes on with numba.
    """
    if nodes >= NODES_MIN or done * (nodes + 1000) >= WORK_MIN:
        return compiled() or NUMPY
    return NUMPY


@cache
def compiled() -> Steps | None:
    """Give the compiled loops, or None where numba is missing."""
    try:
        from numba import njit
    except ImportError:
        return None

    def compile_(function: _F) -> _F:
        try:
            return njit(function, cache=True)
        except RuntimeError:  # no folder for the cache
            return njit(function)

    return grid_steps(
        "numba",
        compile_(loops.advance),
        compile_(loops.due),
        compile_(loops.order_by_cell),
        compile_(loops.near_pairs),
    )


def grid_steps(
    how: str,
    advance: Callable[[Floats, Floats, Floats, Floats, Floats, float, float], None],
    due: Callable[[Floats, Floats, Floats, float], Ints],
    order_by_cell: Callable[[Ints, int], tuple[Ints, Ints]],
    near_pairs: Callable[[Floats, Ints, Ints, Ints, int, float], Ints],
) -> Steps:
    """Put the loops together; a grid much larger than the crowd in it is left to numpy."""

    def pairs(positions: Floats, cells: Ints, rows: int, limit_m2: float) -> Ints:
        cell_count = int(cells.max()) + rows + 2
        if cell_count > CELLS_PER_NODE_MAX * len(positions):
            return arrays.near_pairs(positions, cells, rows, limit_m2)
        begins, order = order_by_cell(cells, cell_count)
        return near_pairs(positions, cells, begins, order, rows, limit_m2)

    return Steps(how, advance, due, pairs)


CELLS_PER_NODE_MAX: Final = 64
"""A table of all cells is used up to this many of them for each node."""
