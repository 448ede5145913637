"""Records across a mesh of production nodes: they arrive, the newest wins, and mail goes first."""

from __future__ import annotations

from collections.abc import Callable

from p2p.core.effects import RecordArrived, RecordDropped
from p2p.core.events import FrameReceived
from p2p.ports.store import MessageState
from p2p.wire.frames import Carry, RecordPart, decode_frame
from tests.core.records.worlds import DAY_S, STATUS_LIST, held, publish
from tests.core.world import World

MakeWorld = Callable[..., World]
BIG = bytes(range(256)) * 16_384
"""4 MiB."""


def test_a_record_is_carried_on_by_who_met_its_author_earlier(make_world: MakeWorld) -> None:
    world = make_world("alice", "bob", "carol")
    row = publish(world, "alice", b"revoked: 7")
    world.connect("alice", "bob")
    world.run(60.0)
    world.disconnect("alice", "bob")
    world.run(DAY_S)
    world.connect("bob", "carol")
    world.run(60.0)
    assert held(world, "carol", row) == b"revoked: 7"
    kept = world.seats["carol"].node.records.row(row.id)
    assert kept is not None
    assert kept.header == row.header
    [arrived] = [n for n in world.seats["carol"].notices if isinstance(n, RecordArrived)]
    assert arrived.record.id == row.id
    told = world.seats["alice"].notices
    assert not [n for n in told if isinstance(n, RecordArrived | RecordDropped)]


def test_the_newest_version_wins_whatever_way_it_comes(make_world: MakeWorld) -> None:
    world = make_world("alice", "bob", "carol", "dave")
    publish(world, "alice", b"old")
    world.connect("alice", "bob")
    world.run(30.0)
    world.disconnect("alice", "bob")
    row = publish(world, "alice", b"new")
    world.connect("alice", "carol")
    world.run(30.0)
    world.disconnect("alice", "carol")
    world.connect("bob", "dave")
    world.run(30.0)
    assert held(world, "dave", row) == b"old"
    world.connect("carol", "dave")
    world.run(30.0)
    assert [held(world, name, row) for name in ("bob", "carol", "dave")] == [b"new"] * 3
    assert not [n for n in world.seats["bob"].notices if isinstance(n, RecordDropped)]


def test_a_carrier_restarts_in_between(make_world: MakeWorld) -> None:
    world = make_world("alice", "bob", "carol")
    row = publish(world, "alice", b"kept")
    world.connect("alice", "bob")
    world.run(30.0)
    world.crash("bob")
    world.crash("alice")
    world.connect("bob", "carol")
    world.run(30.0)
    assert held(world, "carol", row) == b"kept"
    assert world.seats["alice"].node.records.publish(
        row.key.kind, row.key.name, row.version, b"kept", world.now_s + DAY_S, world.now_s
    ) == world.seats["alice"].node.records.row(row.id)


def test_records_expire_everywhere_and_do_not_come_back(make_world: MakeWorld) -> None:
    world = make_world("alice", "bob", "carol")
    row = publish(world, "alice", b"today's", life_s=3_600.0)
    world.connect("alice", "bob")
    world.run(3_000.0)
    assert held(world, "bob", row) == b"today's"
    world.connect("bob", "carol")
    world.run(599.0)
    assert held(world, "carol", row) == b"today's"
    world.run(2.0)
    for name in ("alice", "bob", "carol"):
        assert held(world, name, row) is None
    [dropped] = [n for n in world.seats["bob"].notices if isinstance(n, RecordDropped)]
    assert (dropped.record.id, dropped.why) == (row.id, "expired")
    assert not [n for n in world.seats["alice"].notices if isinstance(n, RecordDropped)]


class SlowLink:
    """Lets frames through at a rate; what is over it waits, as in a modem's queue."""

    def __init__(self, world: World, bytes_per_s: float) -> None:
        self.world = world
        self.bytes_per_s = bytes_per_s
        self.free_s: dict[tuple[str, str], float] = {}
        self.waited_s: list[float] = []
        world.lose = self.delay

    def delay(self, sender: str, receiver: str, data: bytes) -> bool:
        now_s = self.world.now_s
        begins_s = max(now_s, self.free_s.get((sender, receiver), 0.0))
        ends_s = begins_s + len(data) / self.bytes_per_s
        self.free_s[sender, receiver] = ends_s
        if isinstance(decode_frame(data), Carry):
            self.waited_s.append(begins_s - now_s)
        event = FrameReceived(self.world.seats[sender].peer, data)
        self.world.schedule(ends_s - now_s, receiver, event)
        return True


def test_mail_is_not_held_up_by_a_large_record(make_world: MakeWorld) -> None:
    world = make_world("alice", "bob")
    world.befriend("bob", "alice")
    world.connect("alice", "bob")
    world.run(60.0)
    link = SlowLink(world, 16_384.0)  # the whole record takes more than four minutes
    row = publish(world, "alice", BIG)
    sent = []
    for number in range(40):
        world.run(5.0)
        sent.append(world.send("alice", "bob", f"while it goes on {number}"))
    assert held(world, "bob", row) is None
    world.run(10.0)
    states = [world.seats["alice"].sent(message.id).state for message in sent]
    assert states == [MessageState.DELIVERED] * 40
    assert max(link.waited_s) < 4.0
    world.run(400.0)
    assert held(world, "bob", row) == BIG


def test_a_broken_link_is_no_loss(make_world: MakeWorld) -> None:
    world = make_world("alice", "bob", "carol")
    row = publish(world, "alice", BIG)
    world.connect("alice", "bob")
    world.run(30.0)
    world.connect("alice", "carol")
    SlowLink(world, 65_536.0)
    world.run(40.0)
    world.disconnect("alice", "carol")
    before = parts(world, "carol")
    assert 64 < before < 256
    assert held(world, "carol", row) is None
    world.connect("bob", "carol")
    world.run(90.0)
    assert held(world, "carol", row) == BIG
    assert parts(world, "carol") <= 256 + 16


def parts(world: World, receiver: str) -> int:
    frames = [decode_frame(data) for _, to, data in world.frames if to == receiver]
    return len([frame for frame in frames if isinstance(frame, RecordPart)])


def test_lost_frames_are_asked_for_again(make_world: MakeWorld) -> None:
    world = make_world("alice", "bob")
    row = publish(world, "alice", bytes(40_000))
    world.connect("alice", "bob")
    world.run(0.015)
    dropped: list[str] = []

    def lose(sender: str, receiver: str, data: bytes) -> bool:
        kind = type(decode_frame(data)).__name__
        if kind.startswith("Record") and dropped.count(kind) < 2:
            dropped.append(kind)
            return True
        return False

    world.lose = lose
    world.run(3_600.0)
    assert set(dropped) == {"RecordOffer", "RecordWant", "RecordPart", "RecordAnswer"}
    assert held(world, "bob", row) == bytes(40_000)


def test_the_same_list_of_two_importers_travels_once(make_world: MakeWorld) -> None:
    world = make_world("alice", "bob", "carol")
    row = publish(world, "alice", bytes(100_000), kind=STATUS_LIST, life_s=DAY_S)
    longer = publish(world, "bob", bytes(100_000), kind=STATUS_LIST, life_s=30.0 * DAY_S)
    world.connect("alice", "carol")
    world.run(30.0)
    before = parts(world, "carol")
    world.connect("bob", "carol")
    world.run(30.0)
    assert held(world, "carol", row) == held(world, "carol", longer) == bytes(100_000)
    assert parts(world, "carol") == before
    assert held(world, "bob", row) is None


def test_a_withdrawn_record_is_not_brought_back(make_world: MakeWorld) -> None:
    world = make_world("alice", "bob")
    row = publish(world, "alice", b"mine")
    world.connect("alice", "bob")
    world.run(30.0)
    world.disconnect("alice", "bob")
    alice = world.seats["alice"]
    with alice.store.transaction():
        assert alice.node.records.withdraw(row.key.kind, row.key.name)
        assert not alice.node.records.withdraw(row.key.kind, row.key.name)
    world.crash("alice")
    world.connect("alice", "bob")
    world.run(30.0)
    assert held(world, "alice", row) is None
    assert alice.node.records.next_version(row.key.kind, row.key.name) == row.version + 1
