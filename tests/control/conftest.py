"""A server with two contacts for the tests of the control API."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from tests.control.api_server import Api, serving
from tests.control.fake_node import BOB, CAROL, FakeNodeApi, contact_view


@pytest.fixture
async def api(tmp_path: Path) -> AsyncGenerator[Api, None]:
    node = FakeNodeApi([contact_view(BOB, "bob"), contact_view(CAROL, "carol", state="waiting")])
    async with serving(node, tmp_path) as running:
        yield running
        assert not running.faults
