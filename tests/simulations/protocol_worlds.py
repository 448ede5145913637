"""Small protocol worlds for tests."""

from __future__ import annotations

from collections.abc import Sequence

from simulations.protocol.options import ProtocolOptions
from simulations.protocol.routers import make_routers
from simulations.protocol.world import ProtocolWorld
from simulations.rng import stream
from simulations.trace import ContactChange, Creation, ReplaySettings

MIB = 1_048_576


def up(time_s: float, first: int, second: int) -> ContactChange:
    return ContactChange(time_s, first, second, up=True)


def down(time_s: float, first: int, second: int) -> ContactChange:
    return ContactChange(time_s, first, second, up=False)


def message(time_s: float, name: str, source: int, destination: int, size: int = 1_000) -> Creation:
    return Creation(time_s, name, source, destination, size)


def world(
    contacts: Sequence[ContactChange],
    creations: Sequence[Creation],
    options: ProtocolOptions | None = None,
    *,
    router: str = "spray",
    nodes: int = 4,
    end_s: float = 2_000.0,
    rate: int = 100_000,
    buffer: int = MIB,
    ttl_min: int = 600,
) -> ProtocolWorld:
    settings = ReplaySettings(nodes, end_s, rate, buffer, ttl_min, "protocol")
    chosen = ProtocolOptions(visible_recipients=router == "prophet") if options is None else options
    return ProtocolWorld(settings, contacts, creations, make_routers(router, 8), chosen)


def random_scenario(
    seed: int, nodes: int = 8, end_s: float = 4_000.0
) -> tuple[list[ContactChange], list[Creation]]:
    """Give contacts of a few minutes between random pairs, and messages of random sizes."""
    draw = stream(seed, "test scenario")
    contacts: list[ContactChange] = []
    for _ in range(60):
        first, second = draw.sample(range(nodes), 2)
        at_s = draw.uniform(0.0, end_s)
        contacts += [up(at_s, first, second), down(at_s + draw.uniform(1.0, 300.0), first, second)]
    creations = [
        message(draw.uniform(0.0, end_s / 2), f"M{n}", source, destination, size)
        for n, size in enumerate(draw.choices([100, 10_000, 500_000], k=30))
        for source, destination in [draw.sample(range(nodes), 2)]
    ]
    return sorted(contacts), sorted(creations)
