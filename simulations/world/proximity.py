"""Who is within range of whom, by a grid hash: positions become contacts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from p2p.errors import InvalidInput
from simulations.trace import ContactChange

Positions = NDArray[np.float64]
"""Shape (nodes, 2), metres."""
_HALF_NEIGHBOURS: Final = ((1, 0), (-1, 1), (0, 1), (1, 1))
_CELLS_MAX: Final = 2**20
"""Cells along a side; keys of cells stay far below 2^63."""


def pairs_in_range(positions: Positions, range_m: float) -> NDArray[np.int64]:
    """Give each pair of nodes at most ``range_m`` apart, as first * nodes + second, ascending.

    Cells are as wide as the range, so a pair is in the same or in touching cells; half of the
    neighbours are enough. Work grows with the pairs that are near, not with all pairs.

    Raises:
        InvalidInput: a range of 0, or an area of more than 2^20 ranges along a side.
    """
    nodes = len(positions)
    if not range_m > 0:
        raise InvalidInput(f"A range of {range_m} m; allowed are ranges above 0.")
    if nodes < 2:
        return np.empty(0, dtype=np.int64)
    cells = np.floor((positions - positions.min(axis=0)) / range_m).astype(np.int64) + 1
    if cells.max() >= _CELLS_MAX:
        raise InvalidInput(f"The area is wider than {_CELLS_MAX} ranges of {range_m} m.")
    keys = cells[:, 0] * (2 * _CELLS_MAX) + cells[:, 1]
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    places = np.arange(nodes)
    found = [_near(positions, order, places, places + 1, _ends(keys, keys), range_m)]
    for step_x, step_y in _HALF_NEIGHBOURS:
        wanted = keys + step_x * (2 * _CELLS_MAX) + step_y
        begins = _begins(keys, wanted)
        found.append(_near(positions, order, places, begins, _ends(keys, wanted), range_m))
    pairs: NDArray[np.int64] = np.sort(np.concatenate(found))
    return pairs


def contacts(frames: Iterable[Positions], step_s: float, range_m: float) -> list[ContactChange]:
    """Give the contacts of nodes that are at ``frames[k]`` at time ``k * step_s``.

    Contacts still up at the end are left up. Downs come before ups of the same time.
    """
    changes: list[ContactChange] = []
    before = np.empty(0, dtype=np.int64)
    for number, positions in enumerate(frames):
        nodes = len(positions)
        now = pairs_in_range(positions, range_m)
        time_s = number * step_s
        for pairs, up in ((np.setdiff1d(before, now), False), (np.setdiff1d(now, before), True)):
            firsts, seconds = np.divmod(pairs, nodes)
            changes.extend(
                ContactChange(time_s, first, second, up)
                for first, second in zip(firsts.tolist(), seconds.tolist(), strict=True)
            )
        before = now
    return changes


def _begins(keys: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    places: NDArray[np.int64] = np.searchsorted(keys, wanted, "left").astype(np.int64)
    return places


def _ends(keys: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    places: NDArray[np.int64] = np.searchsorted(keys, wanted, "right").astype(np.int64)
    return places


def _near(
    positions: Positions,
    order: NDArray[np.int64],
    places: NDArray[np.int64],
    begins: NDArray[np.int64],
    ends: NDArray[np.int64],
    range_m: float,
) -> NDArray[np.int64]:
    """Pair each place with the places from its begin to its end, and keep those in range."""
    counts = np.maximum(ends - begins, 0)
    ones = np.repeat(places, counts)
    offsets = np.arange(len(ones)) - np.repeat(np.cumsum(counts) - counts, counts)
    others = np.repeat(begins, counts) + offsets
    a, b = order[ones], order[others]
    gap = positions[a] - positions[b]
    near = (gap * gap).sum(axis=1) <= range_m * range_m
    a, b = a[near], b[near]
    codes: NDArray[np.int64] = np.minimum(a, b) * len(positions) + np.maximum(a, b)
    return codes
