"""Worlds of production nodes with the real cipher suite."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from p2p.sessions.x3dh_suite import X3dhSuite
from tests.core.world import World


@pytest.fixture
def make_world() -> Callable[..., World]:
    def make(*names: str, **config: object) -> World:
        world = World(lambda _: X3dhSuite(), **config)
        for name in names:
            world.add(name)
        return world

    return make
