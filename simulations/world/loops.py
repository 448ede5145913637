"""Walking and meeting as plain loops over numbers, for numba to compile.

They do the same arithmetic in the same order as the array code in :mod:`simulations.world.arrays`,
so both give the same numbers to the last bit; tests compare them. Plain Python runs them too,
slowly. Positions have the shape (nodes, 2), in metres; times are seconds.
"""

from __future__ import annotations

import math

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
    for walker in range(len(at)):
        gap_x = to[walker, 0] - at[walker, 0]
        gap_y = to[walker, 1] - at[walker, 1]
        left = math.sqrt(gap_x * gap_x + gap_y * gap_y)
        if not left > 0.0:
            continue
        reach = speed[walker] * step_s
        if left <= reach:
            at[walker, 0] = to[walker, 0]
            at[walker, 1] = to[walker, 1]
            rests_until[walker] = now_s + step_s + pause[walker]
        else:
            share = reach / left
            at[walker, 0] += gap_x * share
            at[walker, 1] += gap_y * share


def due(at: Floats, to: Floats, rests_until: Floats, now_s: float) -> Ints:
    """Give, ascending, the walkers that are where they were going and have rested."""
    found = np.empty(len(at), dtype=np.int64)
    count = 0
    for walker in range(len(at)):
        if (
            rests_until[walker] <= now_s
            and at[walker, 0] == to[walker, 0]
            and at[walker, 1] == to[walker, 1]
        ):
            found[count] = walker
            count += 1
    return found[:count]


def extent(positions: Floats) -> tuple[float, float, float, float]:
    """Give the left and the lower end, the width and the height of where nodes are, metres."""
    left = right = positions[0, 0]
    low = high = positions[0, 1]
    for node in range(1, len(positions)):
        left = min(left, positions[node, 0])
        right = max(right, positions[node, 0])
        low = min(low, positions[node, 1])
        high = max(high, positions[node, 1])
    return left, low, right - left, high - low


def order_by_cell(
    positions: Floats, left: float, low: float, range_m: float, rows: int, cell_count: int
) -> tuple[Ints, Ints, Ints]:
    """Sort nodes by their cell; cells are as wide as the range and count along columns.

    Args:
        rows: cells of a column, the empty border included.

    Returns:
        Each node's cell; where each cell's nodes begin, with one more entry for the end; and the
        nodes in order.
    """
    nodes = len(positions)
    cells = np.empty(nodes, dtype=np.int64)
    begins = np.zeros(cell_count + 1, dtype=np.int64)
    for node in range(nodes):
        column = math.floor((positions[node, 0] - left) / range_m) + 1
        row = math.floor((positions[node, 1] - low) / range_m) + 1
        cells[node] = column * rows + row
        begins[cells[node] + 1] += 1
    for cell in range(cell_count):
        begins[cell + 1] += begins[cell]
    filled = begins[:-1].copy()
    order = np.empty(nodes, dtype=np.int64)
    for node in range(nodes):
        place = filled[cells[node]]
        order[place] = node
        filled[cells[node]] = place + 1
    return cells, begins, order


def near_pairs(
    positions: Floats, cells: Ints, begins: Ints, order: Ints, rows: int, limit_m2: float
) -> Ints:
    """Give each pair in range as first * nodes + second, in no particular order.

    A cell's later companions and the cell above are one stretch of ``order``, the three cells to
    the right are another. The grid has an empty border, so neither leaves it.

    Args:
        rows: cells of a column, the border included; ``cells`` counts along columns.
        limit_m2: square of the range.
    """
    nodes = len(positions)
    found = np.empty(4 * nodes + 16, dtype=np.int64)
    count = 0
    for place in range(nodes):
        node = order[place]
        cell = cells[node]
        for right in range(2):
            begin = begins[cell + rows - 1] if right else place + 1
            end = begins[cell + rows + 2] if right else begins[cell + 2]
            for other_place in range(begin, end):
                other = order[other_place]
                gap_x = positions[node, 0] - positions[other, 0]
                gap_y = positions[node, 1] - positions[other, 1]
                if gap_x * gap_x + gap_y * gap_y > limit_m2:
                    continue
                if count == len(found):
                    found = np.concatenate((found, found))
                found[count] = min(node, other) * nodes + max(node, other)
                count += 1
    return found[:count]


def pairs_along(positions: Floats, order: Ints, axis: int, limit_m2: float) -> Ints:
    """Give each pair in range as first * nodes + second, in no particular order.

    For few nodes in a wide area: each is compared with those that follow along one axis.

    Args:
        order: the nodes by their position on the axis, ascending.
        limit_m2: square of the range.
    """
    nodes = len(order)
    found = np.empty(nodes + 16, dtype=np.int64)
    count = 0
    for place in range(nodes):
        node = order[place]
        for other_place in range(place + 1, nodes):
            other = order[other_place]
            ahead = positions[other, axis] - positions[node, axis]
            if ahead * ahead > limit_m2:
                break
            gap_x = positions[node, 0] - positions[other, 0]
            gap_y = positions[node, 1] - positions[other, 1]
            if gap_x * gap_x + gap_y * gap_y > limit_m2:
                continue
            if count == len(found):
                found = np.concatenate((found, found))
            found[count] = min(node, other) * nodes + max(node, other)
            count += 1
    return found[:count]
