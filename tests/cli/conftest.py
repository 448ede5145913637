"""A command line, with and without a node to talk to."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from tests.cli.command_line import CommandLine, RunningNode, running_node


@pytest.fixture
def molva(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> CommandLine:
    return CommandLine(tmp_path, capsys, monkeypatch)


@pytest.fixture
def running(tmp_path: Path) -> Generator[RunningNode, None, None]:
    with running_node(tmp_path) as node:
        yield node
