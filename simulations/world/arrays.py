"""Walking and meeting with numpy: the reference, and what runs where numba is not installed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from p2p.errors import InvalidInput
from simulations.world.limits import CELLS_MAX

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def advance(
    at: Floats,
    to: Floats,
    speed: Floats,
    pause: Floats,
    rests_until: Floats,
    now_s: float,
    step_s: float,
) -> None:
    """Move everybody for one step, in place; who arrives rests from the step's end."""
    gap = to - at
    left = np.sqrt(gap[:, 0] * gap[:, 0] + gap[:, 1] * gap[:, 1])
    reach = speed * step_s
    moving = left > 0
    arrives = moving & (left <= reach)
    on = moving & ~arrives
    at[arrives] = to[arrives]
    rests_until[arrives] = now_s + step_s + pause[arrives]
    at[on] += gap[on] * (reach[on] / left[on])[:, None]


def due(at: Floats, to: Floats, rests_until: Floats, now_s: float) -> Ints:
    """Give, ascending, the walkers that are where they were going and have rested."""
    there = (at[:, 0] == to[:, 0]) & (at[:, 1] == to[:, 1])
    return np.flatnonzero(there & (rests_until <= now_s))


def near_pairs(positions: Floats, range_m: float) -> Ints:
    """Give each pair in range as first * nodes + second, ascending.

    Cells are as wide as the range, with an empty border around, and count along columns.

    Raises:
        InvalidInput: an area of more than CELLS_MAX ranges along a side.
    """
    grid = np.floor((positions - positions.min(axis=0)) / range_m)
    must_fit(float(grid.max()), range_m)
    places: Ints = grid.astype(np.int64) + 1
    rows = int(places[:, 1].max()) + 2
    cells: Ints = places[:, 0] * rows + places[:, 1]
    limit_m2 = range_m * range_m
    order = np.argsort(cells, kind="stable")
    sorted_cells = cells[order]
    after = np.arange(len(order)) + 1
    above = np.searchsorted(sorted_cells, sorted_cells + 1, "right")
    right = np.searchsorted(sorted_cells, sorted_cells + (rows - 1), "left")
    right_ends = np.searchsorted(sorted_cells, sorted_cells + (rows + 1), "right")
    return np.sort(
        np.concatenate(
            (
                _in_range(positions, order, after, above, limit_m2),
                _in_range(positions, order, right, right_ends, limit_m2),
            )
        )
    )


def must_fit(cells: float, range_m: float) -> None:
    """Refuse an area of more than CELLS_MAX ranges along a side.

    Raises:
        InvalidInput: it is wider.
    """
    if not cells < CELLS_MAX:
        raise InvalidInput(f"The area is wider than {CELLS_MAX} ranges of {range_m} m.")


def _in_range(positions: Floats, order: Ints, begins: Ints, ends: Ints, limit_m2: float) -> Ints:
    """Pair each place with the places from its begin to its end, and keep those in range."""
    counts = np.maximum(ends - begins, 0)
    firsts = np.repeat(order, counts)
    starts = np.cumsum(counts) - counts
    others = order[np.arange(len(firsts)) + np.repeat(begins - starts, counts)]
    gap = positions[firsts] - positions[others]
    near = gap[:, 0] * gap[:, 0] + gap[:, 1] * gap[:, 1] <= limit_m2
    a, b = firsts[near], others[near]
    codes: Ints = np.minimum(a, b) * len(positions) + np.maximum(a, b)
    return codes
