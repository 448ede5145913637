"""Real daemons in processes of their own, spoken to through their control API."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from p2p.control.client import ControlClient
from p2p.control.schema import AddContact, Message

PROGRAM = (sys.executable, "-m", "p2p.daemon")
START_WAIT_S = 30.0


def _without_measuring() -> dict[str, str]:
    """Give the environment without coverage, which would complain that it cannot write either."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}


class Daemon:
    """One home and the node that runs in it from time to time; loopback only."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.process: subprocess.Popen[str] | None = None

    def init(self, *options: str, text: str = "") -> dict[str, Any]:
        done = self.program("init", *(options or ("--no-passphrase",)), text=text)
        assert done.returncode == 0, done.stderr
        (self.home / "config.toml").write_text('listen = ["/ip4/127.0.0.1/tcp/0"]\n')
        return json.loads(done.stdout)

    def program(
        self, command: str, *options: str, text: str = "", file_size_max_bytes: int = 0
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, on request where no file may grow beyond a size."""

        def limit() -> None:
            if file_size_max_bytes:
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_size_max_bytes,) * 2)

        return subprocess.run(
            [*PROGRAM, command, "--home", str(self.home), *options],
            input=text,
            capture_output=True,
            text=True,
            timeout=START_WAIT_S,
            preexec_fn=limit,
            check=False,
            env=_without_measuring() if file_size_max_bytes else None,
        )

    def start(self, *options: str) -> None:
        """Start the node and wait until it says that it is up."""
        ready, tell = os.pipe()
        local = ["--listen", "/ip4/127.0.0.1/tcp/0", "--no-mdns", "--no-dht"]
        self.process = subprocess.Popen(
            [*PROGRAM, "run", "--home", str(self.home), *local, *options, "--ready-fd", str(tell)],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            pass_fds=[tell],
        )
        os.close(tell)
        with os.fdopen(ready) as pipe:
            said = pipe.read()
        assert said == "ready\n", self.process.communicate(timeout=START_WAIT_S)[1]

    def end(self, number: signal.Signals) -> tuple[int, str]:
        """Send a signal and wait for the end; give the exit code and what it said."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.join()

    def join(self) -> tuple[int, str]:
        """Wait for the end; give the exit code and what it said."""
        assert self.process is not None
        _, said = self.process.communicate(timeout=START_WAIT_S)
        code = self.process.returncode
        self.process = None
        return code, said

    def client(self) -> ControlClient:
        return ControlClient(self.home)

    @property
    def address(self) -> str:
        with self.client() as client:
            return client.status().addresses[0]

    def inbox(self) -> list[Message]:
        with self.client() as client:
            return pages(client, "in")


def pages(client: ControlClient, direction: str) -> list[Message]:
    """Give all messages of one direction, page by page."""
    found: list[Message] = []
    after: int | None = 0
    while after is not None:
        page = client.messages(direction=direction, after=after)
        found += page.messages
        after = page.next_after
    return found


def befriend(inviter: Daemon, guest: Daemon) -> None:
    """Make contacts, called by the names of their homes, of two nodes that run."""
    with inviter.client() as host, guest.client() as visitor:
        visitor.add_peer(host.status().addresses[0])
        link = host.invite().link
        visitor.add_contact(AddContact(link=link, name=inviter.home.name))
        wait_for(lambda: [one.state for one in visitor.contacts()] == ["active"])
        wait_for(lambda: [one.state for one in host.contacts()] == ["active"])
        host.rename_contact(host.contacts()[0].account_key, guest.home.name)


def wait_for(condition: Callable[[], bool], patience_s: float = 30.0) -> None:
    """Ask again and again: what happens in another process cannot be awaited otherwise."""
    end_s = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < end_s, "it did not come about"
        time.sleep(0.02)


def stop_all(daemons: Sequence[Daemon]) -> None:
    for daemon in daemons:
        if daemon.process is not None:
            daemon.end(signal.SIGKILL)
