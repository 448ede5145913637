"""Walking and meeting with numpy: the reference, and what runs where numba is not installed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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


def near_pairs(positions: Floats, cells: Ints, rows: int, limit_m2: float) -> Ints:
    """Give each pair in range as first * nodes + second, in no particular order.

    Args:
        cells: each node's cell, counted along columns of ``rows`` cells; as wide as the range at
            least, with an empty border around.
        limit_m2: square of the range.
    """
    order = np.argsort(cells, kind="stable")
    sorted_cells = cells[order]
    places = np.arange(len(order))
    above = np.searchsorted(sorted_cells, sorted_cells + 1, "right")
    right = np.searchsorted(sorted_cells, sorted_cells + (rows - 1), "left")
    right_ends = np.searchsorted(sorted_cells, sorted_cells + (rows + 1), "right")
    return np.concatenate(
        (
            _in_range(positions, order, places + 1, above, limit_m2),
            _in_range(positions, order, right, right_ends, limit_m2),
        )
    )


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
