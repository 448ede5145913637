"""What holds for all tests."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse names that differ from run to run: workers could not agree on what to run."""
    for item in items:
        if " at 0x" in item.nodeid:
            raise pytest.UsageError(
                f"Give the parameters of this test ids of their own: {item.nodeid}"
            )
