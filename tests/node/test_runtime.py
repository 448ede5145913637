"""The shell around a scripted machine, on links in memory and virtual time."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import structlog
import trio
from trio.testing import MockClock

from p2p.adapters.memory_link import MemoryWorld
from p2p.adapters.memory_store import MemoryStore
from p2p.core.effects import Done
from p2p.core.events import FrameReceived, InviteRequested, LinkClosed, LinkOpened, Started
from p2p.errors import InvalidInput, LimitExceeded, NodeNotRunning, StoreDamaged, StoreFull
from p2p.node.peers import Admitted, NotAdmitted, PeerLimits
from p2p.ports.store import DocumentKind
from p2p.wire.ids import CommandId, PeerId
from tests.node.shell_world import (
    EPOCH_S,
    FailingStore,
    ScriptedNode,
    Tape,
    running,
    runtime,
    send_text,
)

# 60 frames of 60,000 bytes are less than the memory link's cap on what is left unread.


@pytest.fixture
def world() -> MemoryWorld:
    return MemoryWorld(latency_s=0.01)


def frames(tape: Tape) -> list[bytes]:
    return [event.data for event in tape.events if isinstance(event, FrameReceived)]


async def test_links_open_frames_cross_and_an_end_is_told(
    autojump_clock: MockClock, world: MemoryWorld
) -> None:
    tape_a, tape_b = Tape(), Tape()
    a = runtime(world, "a", tape=tape_a)
    b = runtime(world, "b", tape=tape_b)
    async with running(a):
        async with running(b):
            view = await a.add_peer(world.network("b").addresses()[0])
            assert view.state == "neighbour"
            await trio.sleep(1)
        await trio.sleep(1)
        assert [neighbour.peer for neighbour in a.status().neighbours] == []
    assert isinstance(tape_a.events[0], Started)
    assert frames(tape_a)[:2] == [b"hello", b"echo:hello"]
    assert LinkClosed(world.network("b").peer_id) in tape_a.events
    assert frames(tape_b)[:2] == [b"hello", b"echo:hello"]


async def test_a_node_that_stops_says_bye(autojump_clock: MockClock, world: MemoryWorld) -> None:
    tape = Tape()
    a = runtime(world, "a", tape=tape)
    async with running(a):
        async with running(runtime(world, "b")):
            await a.add_peer(world.network("b").addresses()[0])
            await trio.sleep(1)
        await trio.sleep(1)
    assert frames(tape)[-1] == b"bye"


async def test_a_command_is_answered_once_durable(
    autojump_clock: MockClock, world: MemoryWorld
) -> None:
    store = FailingStore()
    a = runtime(world, "a", store=store)
    async with running(a):
        assert await a.command(send_text("one")) == Done()
        assert store.document(DocumentKind.SETTING, b"texts") == b"one"
        with pytest.raises(InvalidInput, match="Not that"):
            await a.command(send_text("refused"))
        outcomes = await a.commands([send_text("two"), send_text("refused"), send_text("three")])
    assert outcomes[0] == outcomes[2] == Done()
    assert isinstance(outcomes[1], InvalidInput)
    assert store.document(DocumentKind.SETTING, b"texts") == b"one two three"


async def test_many_commands_share_a_commit(autojump_clock: MockClock, world: MemoryWorld) -> None:
    a = runtime(world, "a")
    async with running(a):
        await a.commands([send_text(str(n), str(n)) for n in range(500)])
        counters = dict(a.status().counters)
    assert counters["events"] == 501
    assert counters["commits"] in (8, 9)  # the start, and half of what waits each time


async def test_a_failed_commit_tells_whoever_waits_and_starts_anew(
    autojump_clock: MockClock, world: MemoryWorld
) -> None:
    store, tape = FailingStore(), Tape()
    a = runtime(world, "a", store=store, tape=tape)
    b = runtime(world, "b")
    async with running(a, b):
        await a.add_peer(world.network("b").addresses()[0])
        assert await a.command(send_text("kept")) == Done()
        store.failures_left = 1
        with pytest.raises(StoreFull):
            await a.command(send_text("lost"))
        assert tape.machines == 2
        assert await a.command(send_text("again")) == Done()
        await trio.sleep(30)
        assert [neighbour.peer for neighbour in a.status().neighbours] == [
            world.network("b").peer_id
        ]
    assert store.document(DocumentKind.SETTING, b"texts") == b"kept again"
    opened = [event for event in tape.events if isinstance(event, LinkOpened)]
    assert len(opened) == 2, "the link of the lost machine was closed, and another one opened"
    assert LinkClosed(world.network("b").peer_id) not in tape.events[: tape.events.index(opened[1])]


async def test_nothing_of_a_failed_batch_leaves(
    autojump_clock: MockClock, world: MemoryWorld
) -> None:
    store, tape = FailingStore(), Tape()
    a = runtime(world, "a", store=store)
    b = runtime(world, "b", tape=tape)
    async with running(a, b):
        await a.add_peer(world.network("b").addresses()[0])
        await trio.sleep(1)
        store.failures_left = 1
        await a.commands([send_text("secret")])
        await trio.sleep(60)
    assert b"secret" not in frames(tape)


async def test_a_full_disk_is_tried_again_ever_more_slowly(
    autojump_clock: MockClock, world: MemoryWorld
) -> None:
    store, tape = FailingStore(), Tape()
    a = runtime(world, "a", store=store, tape=tape)
    async with running(a):
        store.failures_left = 8
        await a.commands([send_text("x")])
        await trio.sleep(3_600)
        counters = dict(a.status().counters)
        assert await a.command(send_text("y")) == Done()
    assert counters["commits-failed"] == 8
    assert tape.machines == 9


async def test_a_disk_full_from_the_beginning_ends_the_node(
    autojump_clock: MockClock, world: MemoryWorld
) -> None:
    store = FailingStore()
    store.failures_left = 1
    with pytest.RaisesGroup(StoreFull):
        await runtime(world, "a", store=store).run(lambda: None)


async def test_a_store_that_does_not_load_again_ends_the_node(
    autojump_clock: MockClock, world: MemoryWorld
) -> None:
    store, tape = FailingStore(), Tape()

    def make_node(_now_s: float) -> ScriptedNode:
        if tape.machines:
            raise StoreDamaged("It does not load.")
        return ScriptedNode(store, tape)

    a = runtime(world, "a", store=store, make_node=make_node)
    with pytest.RaisesGroup(pytest.RaisesGroup(StoreDamaged), flatten_subgroups=False):
        async with running(a):
            store.failures_left = 1
            await a.commands([send_text("x")])
            await trio.sleep_forever()


async def test_a_bug_in_the_machine_is_not_swallowed(
    autojump_clock: MockClock, world: MemoryWorld
) -> None:
    a = runtime(world, "a")
    with pytest.RaisesGroup(pytest.RaisesGroup(ZeroDivisionError)):
        async with running(a):
            with pytest.raises(NodeNotRunning):
                await a.command(send_text("bug"))
            await trio.sleep_forever()


async def test_a_neighbour_that_meets_a_bug_ends_its_own_link_and_not_the_node(
    autojump_clock: MockClock, world: MemoryWorld
) -> None:
    store, tape = MemoryStore(), Tape()
    log = structlog.testing.LogCapture()
    a = runtime(
        world,
        "a",
        store=store,
        tape=tape,
        log=structlog.wrap_logger(structlog.PrintLogger(), processors=[log]),
    )
    b, mallory = runtime(world, "b"), runtime(world, "mallory")
    async with running(a, b, mallory):
        await b.add_peer(world.network("a").addresses()[0])
        await mallory.add_peer(world.network("a").addresses()[0])
        assert await a.command(send_text("kept")) == Done()
        await mallory.command(send_text("poison"))
        await trio.sleep(30)
        assert await a.command(send_text("again")) == Done()
        neighbours = [one.peer for one in a.status().neighbours]
        counters = dict(a.status().counters)
    assert neighbours == [world.network("b").peer_id]
    assert store.document(DocumentKind.SETTING, b"texts") == b"kept again"
    assert (tape.machines, counters["bugs-met"]) == (2, 1)
    (told,) = [entry for entry in log.entries if entry["event"] == "bug-met"]
    assert isinstance(told["exc_info"], ZeroDivisionError)


async def test_woken_when_asked_and_not_otherwise(
    autojump_clock: MockClock, world: MemoryWorld
) -> None:
    tape = Tape()
    a = runtime(world, "a", tape=tape)
    async with running(a):
        tape.wake_at_s = EPOCH_S + 5_000.25
        await a.commands([send_text("now it knows")])
        await trio.sleep(86_400)
    assert [round(at_s - EPOCH_S, 2) for at_s in tape.woken_at_s] == [5_000.25]


async def test_a_penalised_neighbour_hears_why_and_stays_away(
    autojump_clock: MockClock, world: MemoryWorld
) -> None:
    tape_a, tape_b = Tape(), Tape()
    a = runtime(world, "a", tape=tape_a)
    b = runtime(world, "b", tape=tape_b)
    async with running(a, b):
        await b.add_peer(world.network("a").addresses()[0])
        await b.command(send_text("bad"))
        await trio.sleep(29)
        assert a.status().neighbours == ()
        assert a.peers()[0].state == "waiting"
        assert frames(tape_b)[-1] == b"go away"
        await trio.sleep(60)
        assert len(a.status().neighbours) == 1
    opened = [event for event in tape_a.events if isinstance(event, LinkOpened)]
    assert len(opened) == 2


class _Boundless:
    """A link whose neighbour announces more than a frame may hold."""

    peer = PeerId("12D3KooWmallory")
    address = ""
    outbound = False

    async def send(self, frames: Sequence[bytes]) -> None:
        await trio.lowlevel.checkpoint()

    async def receive(self) -> list[bytes]:
        await trio.lowlevel.checkpoint()
        raise LimitExceeded("A frame of 4 GiB.")

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


async def test_who_goes_beyond_a_bound_of_the_transport_is_counted_and_sent_away(
    autojump_clock: MockClock, world: MemoryWorld
) -> None:
    a = runtime(world, "a")
    async with running(a):
        await a._hood.serve(_Boundless())
        assert dict(a.status().counters)["links-abused"] == 1
        assert a._book.admit(_Boundless.peer, a._clock.now()) == NotAdmitted("sent-away")
        await trio.sleep(31)
        assert isinstance(a._book.admit(_Boundless.peer, a._clock.now()), Admitted)


async def test_a_neighbour_that_does_not_read_is_dropped(
    autojump_clock: MockClock, world: MemoryWorld
) -> None:
    a = runtime(world, "a")
    async with running(a):
        network = world.network("mallory")
        async with trio.open_nursery() as nursery:
            listening = trio.Event()
            nursery.start_soon(network.run, a._hood.serve, listening.set)
            await listening.wait()
            link = await network.dial(world.network("a").addresses()[0])
            await link.send([b"flood400"])
            await trio.sleep(1)
            assert a.status().neighbours == ()
            assert dict(a.status().counters)["links-overflowed"] == 1
            nursery.cancel_scope.cancel()


async def test_a_banned_peer_is_refused_until_it_is_removed(
    autojump_clock: MockClock, world: MemoryWorld
) -> None:
    store = FailingStore()
    a = runtime(world, "a", store=store)
    b = runtime(world, "b")
    b_id = world.network("b").peer_id
    async with running(a, b):
        await b.add_peer(world.network("a").addresses()[0])
        await a.ban_peer(b_id)
        await trio.sleep(1_000)
        assert a.status().neighbours == ()
        assert a.peers()[0].state == "banned"
    a = runtime(world, "a", store=store)
    async with running(a, runtime(world, "b", manual=world.network("a").addresses())):
        await trio.sleep(1_000)
        assert a.status().neighbours == ()
        await a.remove_peer(b_id)
        await trio.sleep(1_000)
        assert len(a.status().neighbours) == 1


async def test_manual_peers_are_dialled_after_a_restart(
    autojump_clock: MockClock, world: MemoryWorld
) -> None:
    store = FailingStore()
    address = world.network("b").addresses()[0]
    a = runtime(world, "a", store=store)
    async with running(a):
        view = await a.add_peer(address)
        assert view.state == "waiting"
        assert view.last_error
    a = runtime(world, "a", store=store)
    async with running(a, runtime(world, "b")):
        await trio.sleep(10)
        assert len(a.status().neighbours) == 1


async def test_addresses_that_cannot_be_dialled_are_not_kept(
    autojump_clock: MockClock, world: MemoryWorld
) -> None:
    a = runtime(world, "a")
    peer = world.network("b").peer_id
    async with running(a):
        for address in ("nonsense", "/memory/1", f"/smoke/1/p2p/{peer}"):
            with pytest.raises(InvalidInput):
                await a.add_peer(address)
        with pytest.raises(InvalidInput, match="own address"):
            await a.add_peer(world.network("a").addresses()[0])
        with pytest.raises(InvalidInput, match="is no peer id"):
            await a.ban_peer("no peer")
        assert a.peers() == []


async def test_a_full_house_refuses_strangers_but_makes_room_for_friends(
    autojump_clock: MockClock, world: MemoryWorld
) -> None:
    limits = PeerLimits(neighbours_max=2)
    a = runtime(world, "a", limits=limits, manual=world.network("friend").addresses())
    guests = [
        runtime(world, name, manual=world.network("a").addresses()) for name in ("x", "y", "z")
    ]
    async with running(a, *guests):
        await trio.sleep(100)
        assert len(a.status().neighbours) == 2
        async with running(runtime(world, "friend")):
            await trio.sleep(400)
            present = [one.peer for one in a.status().neighbours]
            assert world.network("friend").peer_id in present
            assert len(present) == 2


async def test_notices_come_after_the_commit_and_are_numbered(
    autojump_clock: MockClock, world: MemoryWorld
) -> None:
    a = runtime(world, "a")
    async with running(a):
        await a.command(InviteRequested(CommandId("1")))
        async with a.subscribe(after=0) as notices:
            await a.command(InviteRequested(CommandId("2")))
            assert [(await anext(notices)).sequence for _ in range(2)] == [1, 2]
        assert a.last_sequence == 2
        assert dict(a.status().counters)["invited"] == 2


async def test_idle_means_idle(autojump_clock: MockClock, world: MemoryWorld) -> None:
    a, b = runtime(world, "a"), runtime(world, "b")
    async with running(a, b):
        await a.add_peer(world.network("b").addresses()[0])
        await trio.sleep(10)
        before = dict(a.status().counters)
        await trio.sleep(86_400)
        assert dict(a.status().counters) == before


async def test_commands_after_the_end_are_told(
    autojump_clock: MockClock, world: MemoryWorld
) -> None:
    a = runtime(world, "a")
    async with running(a):
        pass
    with pytest.raises(NodeNotRunning):
        await a.command(send_text("late"))
