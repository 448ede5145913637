"""The small parts of the shell: clock, subscribers, discoveries, log, doctor, links."""

from __future__ import annotations

import errno
import io
import itertools
import json
from collections.abc import Callable

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from p2p.core.effects import InviteReused
from p2p.core.events import AddressesChanged, Woken
from p2p.errors import Conflict, LinkFailed
from p2p.node.api import Check, CustodyView, NodeStatus
from p2p.node.clock import SteadyClock
from p2p.node.counters import NAMES_MAX, Counters
from p2p.node.doctor import diagnose
from p2p.node.inbox import INBOX_MAX, FromShell, Inbox
from p2p.node.links import WRITE_WAIT_MAX_S, OpenLink
from p2p.node.logs import make_log
from p2p.node.sightings import RETRY_S, Sightings
from p2p.node.subscribers import REMEMBERED_MAX, SUBSCRIBERS_MAX, Subscribers
from p2p.ports.link import PeerFound
from p2p.wire.ids import AccountKey, PeerId


class Wall:
    """A wall clock that somebody sets."""

    def __init__(self) -> None:
        self.offset_s = 1_000_000.0

    def __call__(self) -> float:
        return self.offset_s + trio.current_time()


# --- clock ---------------------------------------------------------------------------------------
async def test_the_clock_follows_the_wall_forward(autojump_clock: MockClock) -> None:
    wall = Wall()
    clock = SteadyClock(wall)
    start_s = clock.now()
    await trio.sleep(10)
    assert clock.now() - start_s == pytest.approx(10)
    wall.offset_s += 3_600
    assert clock.now() - start_s == pytest.approx(3_610)


async def test_the_clock_never_runs_backwards_and_still_runs(autojump_clock: MockClock) -> None:
    wall = Wall()
    clock = SteadyClock(wall)
    start_s = clock.now()
    wall.offset_s -= 100
    seen_s = [clock.now()]
    for _ in range(300):
        await trio.sleep(1)
        seen_s.append(clock.now())
    assert all(later > earlier for earlier, later in itertools.pairwise(seen_s))
    assert seen_s[100] - start_s == pytest.approx(50)
    assert seen_s[-1] == pytest.approx(wall())


# --- the inbox -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("waiting", "batches"),
    [
        (1, [1]),
        (16, [16]),
        (32, [16, 16]),
        (33, [16, 16, 1]),
        (100, [50, 25, 16, 9]),
        (INBOX_MAX, [128, 64, 32, 16, 16]),
    ],
)
async def test_a_batch_is_half_of_what_waits(waiting: int, batches: list[int]) -> None:
    inbox = Inbox()
    for number in range(waiting):
        await inbox.post(FromShell(AddressesChanged((str(number),))))
    taken = [await inbox.next_batch(1.0) for _ in batches]
    assert [len(batch) for batch in taken] == batches
    seen = [posted.event.addresses[0] for batch in taken for posted in batch]
    assert seen == [str(number) for number in range(waiting)]


async def test_others_run_between_two_batches() -> None:
    inbox = Inbox()
    for _ in range(64):
        await inbox.post(FromShell(Woken()))
    for _ in range(3):
        with trio.testing.assert_checkpoints():
            assert await inbox.next_batch(1.0)


async def test_an_empty_inbox_gives_nothing_in_time(autojump_clock: MockClock) -> None:
    assert await Inbox().next_batch(60.0) == []
    assert trio.current_time() == pytest.approx(60.0)


# --- subscribers ---------------------------------------------------------------------------------
async def test_a_subscriber_gets_what_it_missed_and_then_what_comes() -> None:
    subscribers = Subscribers()
    for _ in range(5):
        subscribers.publish(InviteReused(), 1.0)
    async with subscribers.subscribe(after=3) as notices:
        subscribers.publish(InviteReused(), 2.0)
        assert [(await anext(notices)).sequence for _ in range(3)] == [4, 5, 6]


async def test_only_so_much_is_remembered() -> None:
    subscribers = Subscribers()
    for _ in range(REMEMBERED_MAX + 10):
        subscribers.publish(InviteReused(), 1.0)
    async with subscribers.subscribe(after=0) as notices:
        assert (await anext(notices)).sequence == 11


async def test_a_number_of_an_earlier_run_means_everything_remembered() -> None:
    subscribers = Subscribers()
    subscribers.publish(InviteReused(), 1.0)
    async with subscribers.subscribe(after=500) as notices:
        assert (await anext(notices)).sequence == 1


async def test_one_commit_may_bring_more_than_a_thousand_notices() -> None:
    subscribers = Subscribers()
    async with subscribers.subscribe(after=0) as notices:
        for _ in range(1_500):
            subscribers.publish(InviteReused(), 1.0)
        assert [(await anext(notices)).sequence for _ in range(1_500)] == list(range(1, 1_501))


async def test_a_subscriber_takes_at_once_what_is_there() -> None:
    subscribers = Subscribers()
    async with subscribers.subscribe(after=0) as notices:
        assert notices.take(9) == []
        for _ in range(5):
            subscribers.publish(InviteReused(), 1.0)
        assert [one.sequence for one in notices.take(3)] == [1, 2, 3]
        assert (await anext(notices)).sequence == 4
        assert [one.sequence for one in notices.take(9)] == [5]
        for _ in range(REMEMBERED_MAX + 1):
            subscribers.publish(InviteReused(), 1.0)
        assert notices.take(9) == []


async def test_a_subscriber_is_ended_once_what_it_has_not_read_is_forgotten() -> None:
    subscribers = Subscribers()
    async with subscribers.subscribe(after=0) as slow, subscribers.subscribe(after=0) as quick:
        for number in range(REMEMBERED_MAX + 2):
            subscribers.publish(InviteReused(), 1.0)
            assert (await anext(quick)).sequence == number + 1
        assert [notice async for notice in slow] == []


async def test_there_are_only_so_many_subscribers() -> None:
    subscribers = Subscribers()
    async with trio.open_nursery() as nursery:

        async def listen(task_status: trio.TaskStatus[None]) -> None:
            async with subscribers.subscribe(after=0):
                task_status.started()
                await trio.sleep_forever()

        for _ in range(SUBSCRIBERS_MAX):
            await nursery.start(listen)
        with pytest.raises(Conflict):
            async with subscribers.subscribe(after=0):
                pass
        nursery.cancel_scope.cancel()
    async with subscribers.subscribe(after=0) as notices:
        subscribers.end_all()
        assert [notice async for notice in notices] == []


def test_counters_are_bounded() -> None:
    counters = Counters()
    for number in range(NAMES_MAX):
        counters.add(str(number), 2)
    assert counters.view()[0] == ("0", 2)
    with pytest.raises(AssertionError):
        counters.add("one too many")


# --- discoveries ---------------------------------------------------------------------------------
class Flaky:
    def __init__(self, failures: int) -> None:
        self.failures = failures

    async def run(self, found: Callable[[PeerFound], None], started: Callable[[], None]) -> None:
        if self.failures:
            self.failures -= 1
            raise LinkFailed("No network.")
        started()
        found(PeerFound(PeerId("p"), (), "mdns"))
        await trio.sleep_forever()


async def test_a_discovery_that_fails_says_why_and_is_tried_again(
    autojump_clock: MockClock,
) -> None:
    found: list[PeerFound] = []
    log = make_log("error", "json", io.StringIO())
    sightings = Sightings([("mdns", Flaky(1))], found.append, log)
    assert dict(sightings.states()) == {"mdns": "starting", "dht": "off"}
    async with trio.open_nursery() as nursery:
        nursery.start_soon(sightings.run)
        await trio.sleep(1)
        assert dict(sightings.states())["mdns"] == "No network."
        await trio.sleep(RETRY_S)
        assert dict(sightings.states())["mdns"] == "on"
        nursery.cancel_scope.cancel()
    assert len(found) == 1


# --- log -----------------------------------------------------------------------------------------
def test_the_log_holds_no_addresses_keys_or_content_of_others() -> None:
    stream = io.StringIO()
    log = make_log("info", "json", stream)
    log.info(
        "dial-failed",
        why="Nobody at /ip4/203.0.113.9/tcp/4001/p2p/12D3KooW: refused",
        key=bytes(32),
        note=f"account {'ab' * 32} invited molva:1:AAAA",
        listening="/ip4/192.168.1.2/tcp/1",
    )
    log.debug("hidden")
    (line,) = stream.getvalue().splitlines()
    fields = json.loads(line)
    assert fields["why"] == "Nobody at <address> refused"
    assert fields["key"] == "<32 bytes>"
    assert fields["note"] == "account <key> invited <key>"
    assert fields["listening"] == "/ip4/192.168.1.2/tcp/1"
    assert fields["level"] == "info"


def test_the_log_for_people_is_one_line_each() -> None:
    stream = io.StringIO()
    make_log("warning", "text", stream).warning("commit-failed", why="The disk is full.")
    assert stream.getvalue().count("\n") == 1
    assert "commit-failed" in stream.getvalue()


class FullDisk(io.StringIO):
    """Takes nothing until there is room."""

    room = False

    def write(self, text: str) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(text)


def test_a_log_on_a_full_disk_does_not_end_the_node() -> None:
    stream = FullDisk()
    log = make_log("info", "text", stream)
    log.error("commit-failed", why="The device has no room left.")
    stream.room = True
    log.info("stopped")
    assert "stopped" in stream.getvalue()


# --- doctor --------------------------------------------------------------------------------------
def status(neighbours: int, discovery: tuple[tuple[str, str], ...] = ()) -> NodeStatus:
    return NodeStatus(
        version="0",
        name="",
        account_key=AccountKey(bytes(32)),
        peer_id=PeerId("p"),
        addresses=("/ip4/127.0.0.1/tcp/1/p2p/p",) if neighbours else (),
        started_s=0,
        router="spray",
        neighbours=(None,) * neighbours,  # type: ignore[arg-type]
        custody=CustodyView(0, 0, 0, 0),
        counters=(),
        discovery=discovery,
    )


class Probe:
    def __init__(self, name: str, outcome: str) -> None:
        self.name = name
        self.outcome = outcome

    async def __call__(self) -> Check:
        if self.outcome == "hangs":
            await trio.sleep_forever()
        if self.outcome == "raises":
            raise LinkFailed("It broke.")
        return Check(self.name, self.outcome, "")


async def test_the_doctor_reports_everything_in_order(autojump_clock: MockClock) -> None:
    probes = [Probe("a", "hangs"), Probe("b", "raises"), Probe("c", "ok")]
    findings = await diagnose(status(0, (("mdns", "blocked"), ("dht", "off"))), {}, probes)
    assert [(one.name, one.outcome) for one in findings] == [
        ("listening", "failed"),
        ("neighbours", "warning"),
        ("clock", "warning"),
        ("mdns", "failed"),
        ("dht", "ok"),
        ("a", "failed"),
        ("b", "failed"),
        ("c", "ok"),
    ]


async def test_the_doctor_believes_the_majority_of_clocks() -> None:
    many = {PeerId("x"): 90_000.0, PeerId("y"): 100_000.0}
    one = {PeerId("x"): -90_000.0}
    clock = {}
    for name, offsets in (("many", many), ("one", one), ("none", {})):
        findings = await diagnose(status(3), offsets, [])
        clock[name] = next(check.outcome for check in findings if check.name == "clock")
    assert clock == {"many": "failed", "one": "warning", "none": "ok"}


# --- links ---------------------------------------------------------------------------------------
class StuckLink:
    """Takes the first batch and then no more."""

    peer = PeerId("p")
    address = "/x/p2p/p"
    outbound = True

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    async def send(self, frames: list[bytes]) -> None:
        if self.sent:
            await trio.sleep_forever()
        self.sent += frames

    async def receive(self) -> list[bytes]:
        await trio.sleep_forever()
        return []

    async def aclose(self) -> None:
        pass


async def test_a_link_that_takes_nothing_is_given_up(autojump_clock: MockClock) -> None:
    link = OpenLink(StuckLink(), 0.0)
    link.push(b"one")
    async with trio.open_nursery() as nursery:
        reasons: list[str] = []

        async def carry() -> None:
            reasons.append(await link.carry(None))  # type: ignore[arg-type]

        nursery.start_soon(carry)
        await trio.sleep(1)
        link.push(b"two")
        start_s = trio.current_time()
    assert reasons == ["The neighbour takes nothing any more."]
    assert trio.current_time() - start_s == pytest.approx(WRITE_WAIT_MAX_S)


async def test_a_link_that_is_finished_ends_within_a_second(autojump_clock: MockClock) -> None:
    link = OpenLink(StuckLink(), 0.0)
    link.push(b"one")
    start_s = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(link.carry, None)
        await trio.sleep(0.5)
        link.push(b"two")
        link.finish()
        assert link.push(b"dropped in silence")
    assert trio.current_time() - start_s == pytest.approx(1.5)
