"""``make demo``: a sealed message reaches someone who was away, carried by a stranger.

Starts three real nodes as processes of their own, over loopback, and does with them what people
would do, through the ``molva`` command. Every line that it prints is what a node's own interface
said; a step that does not hold ends the run with exit code 1.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from examples.look_inside import everything_in_store

STEP_WAIT_S = 25.0
MDNS_GROUP = "224.0.0.251"
LISTEN = "/ip4/127.0.0.1/tcp/0"
SECRETS = ("The bridge is closed.", "Take the ferry at nine.", "Bring the maps.")


def say(text: str) -> None:
    """Print one line of the story, with the time since the start."""
    print(f"{time.monotonic() - BEGAN:5.1f} s  {text}", flush=True)


def fail(text: str) -> NoReturn:
    """End the run: a step did not hold."""
    print(f"\nThe demo failed: {text}", file=sys.stderr)
    raise SystemExit(1)


BEGAN = time.monotonic()


@dataclass(frozen=True)
class Discovery:
    """How nodes find each other."""

    name: str
    options: tuple[str, ...]


MDNS = Discovery("mDNS", ("--mdns", "--no-dht"))


@dataclass
class Person:
    """One profile with its node, driven through the command line."""

    name: str
    home: Path
    extra: list[str] = field(default_factory=list)
    peer_id: str = ""

    def molva(self, *args: str, check: bool = True) -> dict[str, Any]:
        """Run one ``molva`` command with ``--json`` and give what it printed."""
        lines = self.lines(*args, check=check)
        return lines[0] if lines else {}

    def lines(self, *args: str, check: bool = True) -> list[dict[str, Any]]:
        """Run one ``molva`` command with ``--json`` and give each line that it printed."""
        command = [sys.executable, "-m", "cli.main", "--home", str(self.home), "--json", *args]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if check and done.returncode != 0:
            fail(f"{self.name}: molva {' '.join(args[:2])}: {done.stderr or done.stdout}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def start(self, way: Discovery) -> None:
        """Start the node in the background; it finds others in that one way."""
        self.molva("node", "start", "--listen", LISTEN, *way.options)
        status = self.molva("node", "status")
        self.peer_id = status["peer_id"]
        say(f"{self.name}'s node runs as process {status['pid']}, peer {self.peer_id[-8:]}.")

    def stop(self) -> None:
        """Stop the node."""
        self.molva("node", "stop")
        say(f"{self.name}'s node has stopped.")

    def neighbours(self) -> set[str]:
        """Give the peer ids of the nodes that this one has a link with."""
        return {n["peer_id"] for n in self.molva("node", "status")["neighbours"]}

    def message(self, message_id: str) -> dict[str, Any]:
        """Give a message as the node keeps it."""
        return self.molva("message", "show", message_id)

    def inbox(self) -> list[str]:
        """Give the texts received so far."""
        return [message["text"] for message in self.lines("inbox", "--all")]


def until(what: str, holds: Callable[[], bool]) -> None:
    """Wait until something holds; the demo fails where it does not within 25 s."""
    deadline = time.monotonic() + STEP_WAIT_S
    while not holds():
        if time.monotonic() > deadline:
            fail(f"after {STEP_WAIT_S:.0f} s it does not hold that {what}.")
        time.sleep(0.2)


def run(folder: Path) -> None:
    """Tell the story."""
    alice, bob, carol = (Person(name, folder / name.lower()) for name in ("Alice", "Bob", "Carol"))
    people = (alice, bob, carol)
    with ThreadPoolExecutor() as pool:
        for made in [
            pool.submit(person.molva, "init", "--name", person.name, "--no-passphrase")
            for person in people
        ]:
            made.result()
    say("Alice, Bob and Carol have profiles; Carol is no contact of theirs.")
    try:
        story(alice, bob, carol)
    finally:
        for person in people:
            person.molva("node", "stop", check=False)


def story(alice: Person, bob: Person, carol: Person) -> None:
    """Go through the steps."""
    way = find_way(carol)
    meet(alice, bob, way)
    if way is MDNS:
        carol.start(way)
    until("Alice's node found Carol's", lambda: carol.peer_id in alice.neighbours())
    say(f"Alice's and Carol's nodes found each other by {way.name}. She is a stranger to both.")
    bob.stop()
    sent = [alice.molva("send", "Bob", text)["id"] for text in SECRETS]
    until("Carol carries all", lambda: all(alice.message(m)["carriers"] >= 1 for m in sent))
    say(f"Bob is away. Alice wrote {len(sent)} messages; each is carried by 1 node: Carol's.")
    custody = carol.molva("node", "status")["custody"]
    say(f"Carol's node keeps {custody['count']} sealed envelopes, {custody['size_bytes']} bytes.")
    check_blind(carol)
    alice.stop()
    bob.start(way)
    until("Bob's node found Carol's", lambda: carol.peer_id in bob.neighbours())
    if alice.peer_id in bob.neighbours():
        fail("Bob's node has a link with Alice's, which should be off.")
    say(f"Bob is back, found Carol's node by {way.name}, and has no link with Alice's.")
    until("Bob has all messages", lambda: set(SECRETS) <= set(bob.inbox()))
    for text in bob.inbox():
        say(f"Bob reads: {text}")
    watch_proofs(carol, custody["count"])
    alice.start(way)
    until(
        "Alice sees delivered",
        lambda: all(alice.message(m)["state"] == "delivered" for m in sent),
    )
    say("Alice is back and sees all of them as delivered. Why the first one is:")
    for entry in alice.molva("message", "why", sent[0])["history"]:
        say(f"    {entry['kind']}: {entry['detail']}")


def find_way(carol: Person) -> Discovery:
    """Give mDNS, where a probe of it comes back; else the DHT, with Carol's node to begin at."""
    if hears_itself():
        return MDNS
    dht = Discovery("the DHT", ("--no-mdns", "--dht"))
    carol.start(dht)
    (address,) = carol.molva("node", "status")["addresses"]
    say("Multicast does not work here, so there is no mDNS. The DHT begins at Carol's node.")
    return Discovery(dht.name, (*dht.options, "--bootstrap", address))


def hears_itself() -> bool:
    """Tell whether what is sent to the group of mDNS over loopback is heard here."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
            ear.settimeout(1.0)
            ear.bind(("", 0))
            member = socket.inet_aton(MDNS_GROUP) + socket.inet_aton("127.0.0.1")
            ear.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
            ear.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.0.0.1"))
            probe = os.urandom(16)
            ear.sendto(probe, (MDNS_GROUP, ear.getsockname()[1]))
            return ear.recv(64) == probe
    except OSError:
        return False


def meet(alice: Person, bob: Person, way: Discovery) -> None:
    """Alice and Bob exchange invites and talk."""
    with ThreadPoolExecutor() as pool:
        for started in [pool.submit(person.start, way) for person in (alice, bob)]:
            started.result()
    invites = {p.name: p.molva("contact", "invite")["link"] for p in (alice, bob)}
    alice.molva("contact", "add", invites["Bob"], "--name", "Bob")
    bob.molva("contact", "add", invites["Alice"], "--name", "Alice")
    until("Alice's node found Bob's", lambda: bob.peer_id in alice.neighbours())
    for person, other in ((alice, "Bob"), (bob, "Alice")):
        until(
            f"{person.name} knows {other}",
            lambda person=person, other=other: (
                person.molva("contact", "show", other)["state"] == "active"
            ),
        )
    numbers = {
        alice.molva("contact", "show", "Bob")["safety_number"],
        bob.molva("contact", "show", "Alice")["safety_number"],
    }
    if len(numbers) != 1:
        fail("Alice and Bob see different safety numbers.")
    say(f"Alice and Bob are contacts; both see safety number {numbers.pop()[:23]} ...")
    alice.molva("send", "Bob", "Are you there?", "--wait", "20s")
    bob.molva("send", "Alice", "I am.", "--wait", "20s")
    say(f"They talked: Bob read {bob.inbox()}, Alice read {alice.inbox()}.")


def check_blind(carol: Person) -> None:
    """Look for anything readable in what Carol's node holds, with her own key to her store."""
    if carol.inbox() or carol.molva("contact", "list")["contacts"]:
        fail("Carol has mail or contacts.")
    kept = everything_in_store(carol.home)
    for secret in (*SECRETS, "Alice", "Bob"):
        if secret.encode() in kept:
            fail(f"Carol's store holds {secret!r} in the clear.")
    say(f"All {len(kept)} bytes of Carol's decrypted store: no text, no name, no contact in them.")


def watch_proofs(carol: Person, before: int) -> None:
    """See Carol's node drop what was proven."""

    def dropped() -> bool:
        counters = carol.molva("node", "status")["counters"]
        return counters.get("custody-proven", 0) >= before

    until("Carol dropped what was proven", dropped)
    left = carol.molva("node", "status")["custody"]["count"]
    say(f"Carol's node saw the proofs and dropped all {before}; {left} envelopes are left there.")


def main() -> None:
    """Run in a folder that is removed afterwards."""
    os.environ.pop("MOLVA_HOME", None)
    folder = Path(tempfile.mkdtemp(prefix="molva-demo-"))
    try:
        run(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    say("Every step held.")


if __name__ == "__main__":
    main()
