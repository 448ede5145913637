"""The loops of walking and meeting, compiled by numba where it is installed.

Loading numba and its cache takes about half a second, so short walks of few are left to numpy. The
compiled code is kept beside this package, or in the person's cache folder where that is not
writable.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final, Protocol, TypeVar

import numpy as np

from simulations.world import arrays, loops
from simulations.world.loops import Floats, Ints

NODES_MIN: Final = 1000
"""From so many nodes on, numba has paid for itself after some hundred steps."""
WORK_MIN: Final = 4_000_000
"""With fewer nodes: steps, times nodes and the 1000 that a step of numpy's costs anyhow."""
CELLS_PER_NODE_MAX: Final = 64
"""A table of all cells is used up to this many of them for each node."""

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
    near_pairs: Callable[[Floats, float], Ints]


NUMPY: Final = Steps("numpy", arrays.advance, arrays.due, arrays.near_pairs)


def steps_for(nodes: int, steps: int = 0) -> Steps:
    """Give what is fastest for so many nodes; the numbers are the same to the last bit.

    Args:
        steps: how many there will be; or, where nobody knows, how many numpy has done already.
    """
    if nodes >= NODES_MIN or steps * (nodes + 1000) >= WORK_MIN:
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

    return loop_steps("numba", compile_)


class Compile(Protocol):
    """Makes a function faster, or leaves it as it is."""

    def __call__(self, function: _F, /) -> _F:
        """Give a function that does the same."""
        ...


def loop_steps(how: str, compile_: Compile) -> Steps:
    """Put the loops together, once each is compiled."""
    extent = compile_(loops.extent)
    order_by_cell = compile_(loops.order_by_cell)
    by_cell = compile_(loops.near_pairs)
    along = compile_(loops.pairs_along)

    def near_pairs(positions: Floats, range_m: float) -> Ints:
        """As :func:`simulations.world.arrays.near_pairs`."""
        left, low, width_m, height_m = extent(positions)
        arrays.must_fit(max(width_m, height_m) / range_m, range_m)
        rows = math.floor(height_m / range_m) + 3
        cell_count = (math.floor(width_m / range_m) + 3) * rows
        limit_m2 = range_m * range_m
        if cell_count > CELLS_PER_NODE_MAX * len(positions):
            axis = 0 if width_m >= height_m else 1
            order = np.argsort(positions[:, axis], kind="stable")
            return np.sort(along(positions, order, axis, limit_m2))
        cells, begins, order = order_by_cell(positions, left, low, range_m, rows, cell_count)
        return np.sort(by_cell(positions, cells, begins, order, rows, limit_m2))

    return Steps(how, compile_(loops.advance), compile_(loops.due), near_pairs)
