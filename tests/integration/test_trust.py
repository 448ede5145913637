"""A village without internet: a revocation travels from node to node, and is believed by nobody
but those who pinned its issuer.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from p2p.control.client import RequestRefused
from p2p.control.trust_schema import AddAnchors, ImportStatus, SignedList
from tests.integration.daemons import Daemon, stop_all, wait_for

MOLVA = (sys.executable, "-m", "cli.main")


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[[str], Daemon]]:
    made: list[Daemon] = []

    def make(name: str) -> Daemon:
        made.append(Daemon(tmp_path / name))
        made[-1].init()
        return made[-1]

    yield make
    stop_all(made)


def molva(*arguments: str) -> None:
    """Run a command that needs no node."""
    done = subprocess.run(
        [*MOLVA, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def pin(daemon: Daemon, root: Path) -> None:
    with daemon.client() as client:
        client.trust.add_anchors(AddAnchors(pem=root.read_text(), test=True))


def lists(daemon: Daemon) -> list[SignedList]:
    with daemon.client() as client:
        return client.trust.state().lists


def meet(one: Daemon, other: Daemon) -> None:
    with one.client() as client:
        client.add_peer(other.address)
        wait_for(lambda: bool(client.status().neighbours))


def test_a_revocation_reaches_the_village(make: Callable[[str], Daemon], tmp_path: Path) -> None:
    issuer, bundle = str(tmp_path / "issuer"), str(tmp_path / "erika.json")
    root = tmp_path / "issuer" / "root.pem"
    token = tmp_path / "issuer" / "status.jwt"
    molva("credential", "issue-test", "new", issuer)
    molva("credential", "issue-test", "issue", issuer, "--out", bundle, "--status")
    old = token.read_bytes().strip()
    ada, carol, bob = make("ada"), make("carol"), make("bob")

    bob.start()
    pin(bob, root)
    with bob.client() as client:
        first = client.trust.import_status(ImportStatus(data=old, private=True)).list
    molva("credential", "issue-test", "revoke", issuer, bundle)
    new = token.read_bytes().strip()
    assert new != old

    # In town: Ada imports the new list; her neighbour Carol trusts nobody and carries it.
    ada.start()
    carol.start()
    pin(ada, root)
    with ada.client() as client:
        assert client.trust.import_status(ImportStatus(data=new)).shared
    meet(carol, ada)
    with carol.client() as client:
        wait_for(lambda: client.trust.state().carried == 1)
        assert client.trust.state().lists == []
    ada.end(signal.SIGKILL)

    # In the village: Carol meets Bob, who was never online.
    with bob.client() as client, client.events(after="0", wait_s=30) as events:
        meet(bob, carol)
        arrived = next(one for one in events if one.why == "arrived")
    (kept,) = lists(bob)
    assert (arrived.event, arrived.ref) == ("trust.changed", kept.ref)
    assert kept.issued_s > first.issued_s
    assert kept.author
    assert (kept.standing, kept.test) == ("current", True)

    # The old list does not come back, not after a restart either.
    bob.end(signal.SIGTERM)
    bob.start()
    with bob.client() as client, pytest.raises(RequestRefused) as caught:
        client.trust.import_status(ImportStatus(data=old))
    assert caught.value.rule == "status-rollback"
    assert [one.issued_s for one in lists(bob)] == [kept.issued_s]
