"""The same world gives the same trace, whatever PYTHONHASHSEED is.

The gate runs this file under three seeds and compares what it writes into ``MOLVA_TRACES``; alone,
it compares two runs in one process.
"""

from __future__ import annotations

import os
from itertools import combinations
from pathlib import Path

import pytest

from simulations.standin_suite import InsecureStandinSuite
from tests.core.world import SeededEntropy, World

NAMES = ("alice", "bob", "carol", "dave", "erin")


def trace(router: str) -> str:
    """Give the hash of every effect and frame in a world with meetings, partings and a crash."""
    world = World(lambda name: InsecureStandinSuite(SeededEntropy(name)), router=router)
    for name in NAMES:
        world.add(name)
    for guest, host in combinations(NAMES, 2):
        world.befriend(host, guest)
    for number, (a, b) in enumerate(combinations(NAMES, 2)):
        world.connect(a, b)
        world.run(40.0)
        if a != NAMES[0]:
            world.send(a, NAMES[0], f"message {number}")
        world.run(20.0)
        world.disconnect(a, b)
    world.crash("carol")
    for a, b in combinations(NAMES, 2):
        world.connect(a, b)
    world.run(3_600.0)
    return world.trace.hexdigest()


@pytest.mark.parametrize("router", ["spray", "epidemic", "direct"])
def test_a_world_repeats_itself(router: str) -> None:
    once = trace(router)
    assert trace(router) == once
    folder = os.environ.get("MOLVA_TRACES")
    if folder:
        Path(folder, f"world-{router}").write_text(once)
