"""The story with the product itself: daemons in processes of their own, over loopback."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from p2p.control.client import ControlClient
from p2p.control.schema import AddContact, Send
from p2p.errors import InvalidInput, NodeNotRunning
from simulations.fidelity.story import Deliveries, Meets, Story, told

QUIET_S: Final = 3.0
"""A meeting is over once nothing has changed for so long: more than the product holds mail back
for a recipient that is a neighbour."""
_PATIENCE_S: Final = 120.0
"""Only a node that does not do at all what it should is waited for so long."""
_LOOK_EVERY_S: Final = 0.25
_LIFETIME_S: Final = 86_400.0
_CONFIG: Final = """\
listen = ["/ip4/127.0.0.1/tcp/0"]
[discovery]
mdns = false
[routing]
spray_copies = {copies}
[privacy]
share_addresses = false
"""


def run_on_daemons(story: Story, folder: Path) -> Deliveries:
    """Give what arrives.

    Args:
        story: what happens.
        folder: an empty folder for the nodes' homes; short, since sockets lie in it.

    Raises:
        InvalidInput: a node did not start, or nodes that should have met did not.
    """
    with ExitStack() as running:
        daemons = [_Daemon(folder / name, story.copies) for name in story.people]
        for daemon in daemons:
            running.callback(daemon.stop)
            daemon.start()
        for daemon in daemons:
            daemon.await_ready()
        for inviter, guest in story.pairs():
            _befriend(daemons[inviter], daemons[guest])
        for step in story.steps:
            if isinstance(step, Meets):
                _meet(daemons[step.first], daemons[step.second])
            else:
                daemons[step.source].write(daemons[step.destination], step.name)
        return frozenset(told(text, each.name) for each in daemons for text in each.inbox())


class _Daemon:
    """One node of the product with its home."""

    def __init__(self, home: Path, copies: int) -> None:
        self.home = home
        self.name = home.name
        self._process: subprocess.Popen[bytes] | None = None
        done = subprocess.run(  # noqa: S603 - the product itself
            [sys.executable, "-m", "p2p.daemon", "init", *self._options(), "--no-passphrase"],
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE_S,
        )
        if done.returncode:
            raise InvalidInput(f"No profile could be made: {done.stderr.strip()}")
        (home / "config.toml").write_text(_CONFIG.format(copies=copies))

    def _options(self) -> list[str]:
        return ["--home", str(self.home), "--name", self.name]

    def start(self) -> None:
        """Start the process."""
        command = [sys.executable, "-m", "p2p.daemon", "run", "--home", str(self.home)]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MOLVA_")}
        with (self.home / "fidelity.log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the product itself
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment
            )

    def await_ready(self) -> None:
        """Wait until the node answers, and note who it is."""
        _until(self._answers)
        with self.client() as client:
            status = client.status()
        self.peer_id, self.account = status.peer_id, status.account_key
        self.address = status.addresses[0]

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(_PATIENCE_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def client(self) -> ControlClient:
        """Give a connection to the node."""
        return ControlClient(self.home)

    def write(self, to: _Daemon, text: str) -> None:
        """Write to a contact."""
        with self.client() as client:
            client.send(Send(contact=to.account, text=text, lifetime_s=_LIFETIME_S))

    def inbox(self) -> list[str]:
        """Give the texts that arrived."""
        with self.client() as client:
            return [one.text for one in client.messages(direction="in", after=0).messages]

    def picture(self) -> tuple[object, ...]:
        """Give all that a meeting changes."""
        with self.client() as client:
            custody = client.custody()
            messages = client.messages(direction="", after=0).messages
        return (custody, [(one.id, one.state) for one in messages])

    def _answers(self) -> bool:
        if self._process is not None and self._process.poll() is not None:
            log = (self.home / "fidelity.log").read_text(errors="replace")
            raise InvalidInput(f"A node ended: {log[-500:].strip()}")
        try:
            with self.client() as client:
                return bool(client.status().addresses)
        except NodeNotRunning:
            return False


def _befriend(inviter: _Daemon, guest: _Daemon) -> None:
    with inviter.client() as host, guest.client() as visitor:
        visitor.add_peer(inviter.address)
        link = host.invite().link
        visitor.add_contact(AddContact(link=link, name=inviter.name))
        _until(lambda: _active(visitor, inviter.account) and _active(host, guest.account))
    _part(guest, inviter)


def _meet(first: _Daemon, second: _Daemon) -> None:
    """Let two be neighbours until nothing changes any more."""
    with first.client() as client:
        client.add_peer(second.address)
    _until(lambda: _are_neighbours(first, second))
    picture = (first.picture(), second.picture())
    quiet_since_s = time.monotonic()
    while time.monotonic() - quiet_since_s < QUIET_S:
        time.sleep(_LOOK_EVERY_S)
        now = (first.picture(), second.picture())
        if now != picture:
            picture, quiet_since_s = now, time.monotonic()
    _part(first, second)


def _part(first: _Daemon, second: _Daemon) -> None:
    """End a meeting: the ban closes the link, its lifting lets them meet again."""
    with first.client() as client:
        client.ban_peer(second.peer_id)
        _until(lambda: not _are_neighbours(first, second) and not _are_neighbours(second, first))
        client.remove_peer(second.peer_id)


def _are_neighbours(one: _Daemon, other: _Daemon) -> bool:
    with one.client() as client:
        return any(each.peer_id == other.peer_id for each in client.status().neighbours)


def _active(client: ControlClient, account: str) -> bool:
    return any(c.account_key == account and c.state == "active" for c in client.contacts())


def _until(holds: Callable[[], bool]) -> None:
    end_s = time.monotonic() + _PATIENCE_S
    while not holds():
        if time.monotonic() > end_s:
            raise InvalidInput(f"What nodes should have done was not done in {_PATIENCE_S:g} s.")
        time.sleep(_LOOK_EVERY_S)
