"""A failed commit, a stop and a crowd at the inbox: no command is lost in silence."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from p2p.adapters.memory_link import MemoryWorld
from p2p.core.effects import Done
from p2p.core.events import FrameReceived, LinkOpened, Started, Woken
from p2p.errors import NodeNotRunning, StoreFull
from p2p.node.inbox import INBOX_MAX, FromPerson, FromShell, Inbox, Waiter
from p2p.ports.store import DocumentKind
from tests.node.shell_world import FailingStore, Tape, running, runtime, send_text


@pytest.fixture
def world() -> MemoryWorld:
    return MemoryWorld(latency_s=0.01)


def kept(store: FailingStore) -> list[str]:
    return (store.document(DocumentKind.SETTING, b"texts") or b"").decode().split()


@pytest.mark.parametrize("count", [1, 16, 17, 40, 256, 400])
@pytest.mark.parametrize("failures", [1, 2])
async def test_after_a_failed_commit_each_command_is_kept_or_told(
    autojump_clock: MockClock, world: MemoryWorld, count: int, failures: int
) -> None:
    """Commands that came together may be committed apart: the first fail, and the rest are kept."""
    store, tape = FailingStore(), Tape()
    a = runtime(world, "a", store=store, tape=tape)
    texts = [str(number) for number in range(count)]
    async with running(a):
        store.failures_left = failures
        outcomes = await a.commands([send_text(text, text) for text in texts])
        pairs = list(zip(texts, outcomes, strict=True))
        assert all(outcome == Done() or isinstance(outcome, StoreFull) for _, outcome in pairs)
        assert kept(store) == [text for text, outcome in pairs if outcome == Done()]
        again = [text for text, outcome in pairs if outcome != Done()]
        store.failures_left = 0
        assert await a.commands([send_text(text, text) for text in again]) == [Done()] * len(again)
        assert sorted(kept(store), key=int) == texts
        starts = [number for number, event in enumerate(tape.events) if isinstance(event, Started)]
        assert len(starts) == tape.machines


async def test_frames_that_waited_when_a_commit_failed_are_of_a_link_that_is_gone(
    autojump_clock: MockClock, world: MemoryWorld
) -> None:
    """The rest of them must not reach the new machine, which has not heard of the link."""
    store, tape = FailingStore(), Tape()
    a = runtime(world, "a", store=store, tape=tape)
    b = runtime(world, "b")
    async with running(a, b):
        await a.add_peer(world.network("b").addresses()[0])
        await trio.sleep(1)
        store.failures_left = 1
        before = len(tape.events)
        await b.commands([send_text(f"echo{number}") for number in range(60)])
        await trio.sleep(0.5)
        assert tape.machines == 2
        seen = tape.events[before:]
        frames = [event.data for event in seen if isinstance(event, FrameReceived)]
        assert 0 < len(frames) < 60
        assert frames == [b"echo%d" % number for number in range(len(frames))]
        await trio.sleep(60)
        assert isinstance(tape.events[-3], LinkOpened)


async def test_who_waits_at_a_full_inbox_is_told_that_the_node_stops(
    autojump_clock: MockClock, world: MemoryWorld
) -> None:
    store = FailingStore()
    a = runtime(world, "a", store=store)
    told: dict[str, object] = {}

    async def ask(text: str) -> None:
        (told[text],) = await a.commands([send_text(text, text)])

    async with trio.open_nursery() as nursery, running(a):
        for number in range(3 * INBOX_MAX):
            nursery.start_soon(ask, str(number))
        await trio.lowlevel.checkpoint()
        a.stop()
    assert len(told) == 3 * INBOX_MAX
    done = [text for text, outcome in told.items() if outcome == Done()]
    assert all(o == Done() or isinstance(o, NodeNotRunning) for o in told.values())
    assert sorted(kept(store)) == sorted(done)


async def test_a_command_waits_for_no_more_than_what_came_before_it() -> None:
    """Neighbours that post without a pause, each as soon as there is room."""
    inbox = Inbox()

    async def flood() -> None:
        while True:
            await inbox.post(FromShell(Woken()))

    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(flood)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(inbox.post, FromPerson(send_text("mine"), Waiter()))
        await trio.testing.wait_all_tasks_blocked()
        taken = 0
        while True:
            batch = await inbox.next_batch(1.0)
            places = [at for at, one in enumerate(batch) if isinstance(one, FromPerson)]
            if places:
                break
            taken += len(batch)
        assert taken + places[0] == INBOX_MAX + 20
        nursery.cancel_scope.cancel()


async def test_a_closed_inbox_gives_up_everybody() -> None:
    inbox = Inbox()
    waiters = [Waiter() for _ in range(INBOX_MAX + 50)]
    async with trio.open_nursery() as nursery:
        for waiter in waiters:
            nursery.start_soon(inbox.post, FromPerson(send_text("x"), waiter))
        await trio.testing.wait_all_tasks_blocked()
        await inbox.next_batch(1.0)
        await trio.testing.wait_all_tasks_blocked()
        inbox.close()
    late = Waiter()
    await inbox.post(FromPerson(send_text("late"), late))
    settled = [waiter for waiter in [*waiters, late] if waiter._settled.is_set()]
    assert len(settled) == len(waiters) + 1 - (INBOX_MAX // 2)
