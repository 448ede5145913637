"""Who is within range of whom, by a grid hash: positions become contacts."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from p2p.errors import InvalidInput
from simulations.trace import ContactChange
from simulations.world.compiled import Steps, steps_for

Positions = NDArray[np.float64]
"""Shape (nodes, 2), metres."""


def pairs_in_range(
    positions: Positions, range_m: float, steps: Steps | None = None
) -> NDArray[np.int64]:
    """Give each pair of nodes at most ``range_m`` apart, as first * nodes + second, ascending.

    Cells are as wide as the range, so a pair is in the same or in touching cells; half of the
    neighbours are enough. Work grows with the pairs that are near, not with all pairs.

    Args:
        steps: what does the work; by default what is fastest for so many nodes.

    Raises:
        InvalidInput: a range of 0, or an area of more than 2^20 ranges along a side.
    """
    nodes = len(positions)
    if not range_m > 0:
        raise InvalidInput(f"A range of {range_m} m; allowed are ranges above 0.")
    if nodes < 2:
        return np.empty(0, dtype=np.int64)
    return (steps or steps_for(nodes)).near_pairs(positions, range_m)


def contacts(
    frames: Iterable[Positions], step_s: float, range_m: float, steps: Steps | None = None
) -> list[ContactChange]:
    """Give the contacts of nodes that are at ``frames[k]`` at time ``k * step_s``.

    Contacts still up at the end are left up. Downs come before ups of the same time.

    Args:
        steps: as for :func:`pairs_in_range`.
    """
    changes: list[ContactChange] = []
    before = np.empty(0, dtype=np.int64)
    for number, positions in enumerate(frames):
        nodes = len(positions)
        now = pairs_in_range(positions, range_m, steps or steps_for(nodes, number))
        if now.tobytes() == before.tobytes():
            continue
        time_s = number * step_s
        for pairs, up in ((_without(before, now), False), (_without(now, before), True)):
            firsts, seconds = np.divmod(pairs, nodes)
            changes.extend(
                ContactChange(time_s, first, second, up)
                for first, second in zip(firsts.tolist(), seconds.tolist(), strict=True)
            )
        before = now
    return changes


def _without(pairs: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.int64]:
    """Give those of some pairs that are not among others; all ascending."""
    if not len(others):
        return pairs
    places = np.searchsorted(others, pairs)
    places[places == len(others)] = 0
    fresh: NDArray[np.int64] = pairs[others[places] != pairs]
    return fresh
