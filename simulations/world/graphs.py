"""Static graphs: contacts that are up from the start and stay."""

from __future__ import annotations

from collections.abc import Iterable

from p2p.errors import InvalidInput
from simulations.rng import stream
from simulations.trace import ContactChange


def always_up(edges: Iterable[tuple[int, int]]) -> list[ContactChange]:
    """Give a graph's edges as contacts that begin at time 0."""
    return [ContactChange(0.0, first, second, up=True) for first, second in edges]


def line(nodes: int) -> list[tuple[int, int]]:
    """Give a chain."""
    return [(node, node + 1) for node in range(nodes - 1)]


def ring(nodes: int) -> list[tuple[int, int]]:
    """Give a circle of at least 3 nodes."""
    if nodes < 3:
        raise InvalidInput(f"A ring of {nodes} nodes; allowed are 3 and more.")
    return [*line(nodes), (nodes - 1, 0)]


def grid(columns: int, rows: int) -> list[tuple[int, int]]:
    """Give a grid whose nodes are numbered along its rows."""
    beside = [
        (row * columns + column, row * columns + column + 1)
        for row in range(rows)
        for column in range(columns - 1)
    ]
    below = [(node, node + columns) for node in range(columns * (rows - 1))]
    return beside + below


def complete(nodes: int) -> list[tuple[int, int]]:
    """Give every pair."""
    return [(a, b) for a in range(nodes) for b in range(a + 1, nodes)]


def random_graph(nodes: int, share: float, seed: int) -> list[tuple[int, int]]:
    """Give every pair with the same chance (Erdos and Renyi's second model)."""
    if not 0 <= share <= 1:
        raise InvalidInput(f"A share of {share}; allowed are 0 to 1.")
    draws = stream(seed, "random-graph")
    return [edge for edge in complete(nodes) if draws.random() < share]
