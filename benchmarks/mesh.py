"""Messages between real nodes: adjacent, and through a carrier while the recipient is away."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.nodes import BenchNode, befriend, percentile
from p2p.control import schema

TEXT = "x" * 88 + "{:012d}"
"""100 bytes."""
COUNT = 1_000
WINDOW = 32
WAIT_S = 120.0


@dataclass
class Watch:
    """When each message was sent, received, carried and delivered, by the nodes' own events."""

    sent: dict[str, float] = field(default_factory=dict)
    received: dict[str, float] = field(default_factory=dict)
    delivered: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def at_recipient(self, at_s: float, event: schema.Event) -> None:
        """Note a message that came."""
        if event.event == "message.received" and event.message is not None:
            with self.changed:
                self.received[event.message.id] = at_s
                self.changed.notify_all()

    def at_sender(self, _: float, event: schema.Event) -> None:
        """Note a message's new state."""
        if event.event == "message.changed":
            with self.changed:
                if event.state == "delivered":
                    self.delivered.add(event.message_id)
                if event.carriers:
                    self.taken.add(event.message_id)
                self.changed.notify_all()

    def wait(self, holds: object) -> None:
        """Wait until a predicate holds."""
        with self.changed:
            if not self.changed.wait_for(holds, WAIT_S):  # type: ignore[arg-type]
                raise RuntimeError(
                    f"gave up: {len(self.sent)} sent, {len(self.received)} received, "
                    f"{len(self.taken)} taken"
                )


@dataclass
class Adjacent:
    """Figures of two adjacent nodes."""

    rate: float
    p50_ms: float
    p95_ms: float
    sent: int
    received: int
    delivered: int
    cpu_ms: tuple[float, float]
    rss_mb: tuple[float, float]


def adjacent(folder: Path, count: int, window: int) -> Adjacent:
    """Send ``count`` messages with at most ``window`` not yet proven; time each to its arrival.

    The window is filled up again whenever half of it is free.
    """
    alice, bob = BenchNode("alice", folder).init(), BenchNode("bob", folder).init()
    try:
        alice.start()
        bob.start()
        befriend(alice, bob)
        watch = Watch()
        alice.listen(watch.at_sender)
        bob.listen(watch.at_recipient)
        before = alice.spent(), bob.spent()
        began = time.perf_counter()
        _send_all(alice, watch, count, window)
        watch.wait(lambda: len(watch.received) >= count and len(watch.delivered) >= count)
        took_s = max(watch.received.values()) - began
        after = alice.spent(), bob.spent()
        delays = [1e3 * (at - watch.sent[i]) for i, at in watch.received.items()]
        return Adjacent(
            rate=count / took_s,
            p50_ms=percentile(delays, 0.5),
            p95_ms=percentile(delays, 0.95),
            sent=len(watch.sent),
            received=len(watch.received),
            delivered=len(watch.delivered),
            cpu_ms=tuple(  # type: ignore[arg-type]
                1e3 * (a.cpu_s - b.cpu_s) / count for a, b in zip(after, before, strict=True)
            ),
            rss_mb=tuple(a.rss_bytes / 1e6 for a in after),  # type: ignore[arg-type]
        )
    finally:
        alice.stop()
        bob.stop()


def _send_all(node: BenchNode, watch: Watch, count: int, window: int) -> None:
    with node.client() as client:
        number = 0
        while number < count:
            watch.wait(lambda: len(watch.sent) - len(watch.delivered) <= window // 2)
            room = min(window - (len(watch.sent) - len(watch.delivered)), count - number)
            batch = [schema.Send(contact="bob", text=TEXT.format(number + i)) for i in range(room)]
            at_s = time.perf_counter()
            for item in client.send_batch(batch):
                assert item.message is not None, item.problem
                watch.sent[item.message.id] = at_s
            number += room


@dataclass
class Away:
    """Figures of a carrier between two people who are never there together."""

    store_rate: float
    fetch_s: float
    sent: int
    stored: int
    received: int
    delivered: int
    rss_mb: float


def away(folder: Path, count: int) -> Away:
    """Alice writes while Bob is away; Carol carries; Bob fetches while Alice is away."""
    names = ("alice", "bob", "carol")
    alice, bob, carol = (BenchNode(name, folder).init() for name in names)
    try:
        alice.start()
        bob.start()
        befriend(alice, bob)
        bob.stop()
        carol.start()
        with carol.client() as client:
            client.add_peer(alice.address)
        watch = Watch()
        alice.listen(watch.at_sender)
        began = time.perf_counter()
        with alice.client() as client:
            for start in range(0, count, 100):
                batch = [
                    schema.Send(contact="bob", text=TEXT.format(start + i)) for i in range(100)
                ]
                for item in client.send_batch(batch):
                    assert item.message is not None, item.problem
                    watch.sent[item.message.id] = began
        watch.wait(lambda: len(watch.taken) >= count)
        stored_s = time.perf_counter() - began
        alice.stop()
        fetch_s = _fetch(bob, carol, watch, count)
        rss_mb = carol.spent().rss_bytes / 1e6
        bob.stop()
        return Away(
            store_rate=count / stored_s,
            fetch_s=fetch_s,
            sent=len(watch.sent),
            stored=len(watch.taken),
            received=len(watch.received),
            delivered=_count_delivered(alice, carol, watch),
            rss_mb=rss_mb,
        )
    finally:
        for node in (alice, bob, carol):
            node.stop()


def _count_delivered(alice: BenchNode, carol: BenchNode, watch: Watch) -> int:
    """Let the writer come back to the carrier, and count what she sees as delivered."""
    alice.start("--peer", carol.address)
    with alice.client() as client:
        alice.wait_until(
            lambda: not client.messages(direction="out", state="carried", limit=1).messages
        )
        after, delivered = 0, 0
        while True:
            page = client.messages(direction="out", state="delivered", limit=256, after=after)
            delivered += sum(message.id in watch.sent for message in page.messages)
            if page.next_after is None:
                return delivered
            after = page.next_after


def _fetch(bob: BenchNode, carol: BenchNode, watch: Watch, count: int) -> float:
    """Give the seconds from Bob's link with Carol to his last message."""
    bob.start()
    met: list[float] = []

    def heard(at_s: float, event: schema.Event) -> None:
        if event.event == "neighbour.changed" and event.present:
            met.append(at_s)
        watch.at_recipient(at_s, event)

    bob.listen(heard)
    with bob.client() as client:
        client.add_peer(carol.address)
    watch.wait(lambda: len(watch.received) >= count)
    return max(watch.received.values()) - met[0]
