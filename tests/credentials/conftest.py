from __future__ import annotations

import pytest

from tests.credentials.pki import World, new_world


@pytest.fixture(scope="session")
def world() -> World:
    return new_world()
