"""The command line in this process, against a real server with a fake node in a thread."""

from __future__ import annotations

import io
import json
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest
import trio

from cli.context import Session
from cli.main import run
from tests.control.api_server import serving
from tests.control.fake_node import BOB, CAROL, FakeNodeApi, contact_view

Given = TypeVar("Given")
FAKE_DAEMON = Path(__file__).with_name("fake_daemon.py")
DAEMON = (sys.executable, str(FAKE_DAEMON))


@dataclass(frozen=True)
class Outcome:
    """How an invocation ended, and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, object]:
        """The one JSON object on standard output."""
        return json.loads(self.out)

    @property
    def failure(self) -> dict[str, object]:
        """The one JSON object on standard error."""
        return json.loads(self.err)


@dataclass
class CommandLine:
    """``molva`` with a home."""

    home: Path
    capture: pytest.CaptureFixture[str]
    monkeypatch: pytest.MonkeyPatch

    def __call__(self, *arguments: str, stdin: str | bytes = "") -> Outcome:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        self.monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
        self.monkeypatch.setenv("MOLVA_HOME", str(self.home))
        self.capture.readouterr()
        code = run(arguments, Session(daemon=DAEMON))
        written = self.capture.readouterr()
        return Outcome(code, written.out, written.err)


class RunningNode:
    """A fake node behind the real server, in a thread of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.node: FakeNodeApi
        self._token: trio.lowlevel.TrioToken
        self._ready = threading.Event()
        self._thread = threading.Thread(target=trio.run, args=(self._main,))

    def call(self, work: Callable[[FakeNodeApi], Given]) -> Given:
        """Do something to the node where it lives."""
        return trio.from_thread.run_sync(work, self.node, trio_token=self._token)

    async def _main(self) -> None:
        self._token = trio.lowlevel.current_trio_token()
        self._stopping = trio.Event()
        bob, carol = contact_view(BOB, "bob"), contact_view(CAROL, "carol", state="waiting")
        self.node = FakeNodeApi([bob, carol])
        self.node.on_stop = self._stopping.set
        async with serving(self.node, self.home):
            self._ready.set()
            await self._stopping.wait()

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(10), "the server has not come up"

    def stop(self) -> None:
        with suppress(trio.RunFinishedError):  # it may be ending by itself
            trio.from_thread.run_sync(self._stopping.set, trio_token=self._token)
        self._thread.join(10)
        assert not self._thread.is_alive()


@contextmanager
def running_node(home: Path) -> Generator[RunningNode, None, None]:
    running = RunningNode(home)
    running.start()
    try:
        yield running
    finally:
        running.stop()
