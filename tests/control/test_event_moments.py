"""The event stream at each moment: everything once and in order, or told as missed."""

from __future__ import annotations

import json
import random
from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from p2p.control.events import EventStream
from p2p.control.schema import HEARTBEAT_S
from p2p.core.effects import MessageChanged
from p2p.node.subscribers import REMEMBERED_MAX
from p2p.ports.store import MessageState
from p2p.wire.ids import MessageId
from tests.control.fake_node import BOB, START_S, FakeNodeApi

MESSAGE = MessageId(bytes(16))
BEAT = b":\n\n"


class Page:
    """What one client got, and how fast it takes it."""

    def __init__(self, pace: Callable[[], Awaitable[None]] = trio.lowlevel.checkpoint) -> None:
        self._pace = pace
        self.chunks: list[tuple[float, bytes]] = []

    async def write(self, chunk: bytes) -> None:
        await self._pace()
        self.chunks.append((trio.current_time(), chunk))

    def beats(self) -> list[float]:
        return [at_s for at_s, chunk in self.chunks if chunk == BEAT]

    def events(self) -> list[dict[str, object]]:
        text = b"".join(chunk for _, chunk in self.chunks).decode()
        lines = (line for line in text.split("\n") if line.startswith("data: "))
        return [json.loads(line.removeprefix("data: ")) for line in lines]

    def numbers(self) -> list[int]:
        """Give what each change says, and stand in for what was missed."""
        seen: list[int] = []
        for event in self.events():
            if event["event"] == "message.changed":
                seen.append(int(str(event["carriers"])))
            elif event["event"] == "stream.missed":
                seen += [-1] * int(str(event["missed"]))
        return seen

    def last_id(self) -> str:
        return str(self.events()[-1]["id"])


def publish(node: FakeNodeApi, number: int) -> None:
    node.publish(MessageChanged(MESSAGE, BOB, MessageState.CARRIED, number))


def stream(node: FakeNodeApi, closing: trio.Event, position: str = "") -> EventStream:
    return EventStream(node, position, START_S, closing)


@pytest.mark.parametrize("seed", range(12))
async def test_clients_of_any_pace_see_everything_once_and_in_order(
    autojump_clock: MockClock, seed: int
) -> None:
    drawn = random.Random(seed)
    node, closing = FakeNodeApi(), trio.Event()

    async def now_and_then() -> None:
        await trio.sleep(drawn.choice([0, 0, 0.001, HEARTBEAT_S / 2, HEARTBEAT_S]))

    pages = [Page(), Page(now_and_then), Page(now_and_then)]
    async with trio.open_nursery() as nursery:
        for page in pages:
            nursery.start_soon(stream(node, closing).run, page.write)
        await trio.testing.wait_all_tasks_blocked()
        number = 0
        for _ in range(60):
            for _ in range(drawn.choice([1, 1, 2, 16, 300])):
                publish(node, number)
                number += 1
            await now_and_then()
        await trio.sleep(100 * HEARTBEAT_S)
        closing.set()
    assert [page.numbers() for page in pages] == [list(range(number))] * 3
    assert node.listening == 0


async def test_the_sign_of_life_follows_the_last_news(autojump_clock: MockClock) -> None:
    node, page = FakeNodeApi(), Page()
    began_s = trio.current_time()
    async with trio.open_nursery() as nursery:
        closing = trio.Event()
        nursery.start_soon(stream(node, closing).run, page.write)
        await trio.sleep(HEARTBEAT_S - 1)
        publish(node, 0)
        await trio.sleep(2.5 * HEARTBEAT_S)
        closing.set()
    expected = [began_s + 2 * HEARTBEAT_S - 1, began_s + 3 * HEARTBEAT_S - 1]
    assert page.beats() == pytest.approx(expected)


async def test_news_at_the_moment_of_the_sign_of_life_are_not_lost(
    autojump_clock: MockClock,
) -> None:
    node, page, closing = FakeNodeApi(), Page(), trio.Event()

    async def on_the_beat() -> None:
        for number in range(20):
            await trio.sleep(HEARTBEAT_S)
            publish(node, number)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream(node, closing).run, page.write)
        await on_the_beat()
        await trio.sleep(1)
        closing.set()
    assert page.numbers() == list(range(20))


@pytest.mark.parametrize("moment", ["waiting", "writing", "before", "on the beat", "with news"])
async def test_a_stream_that_closes_says_what_was_there(
    autojump_clock: MockClock, moment: str
) -> None:
    node, closing, gate = FakeNodeApi(), trio.Event(), trio.Event()

    async def pace() -> None:
        if moment == "writing":
            await gate.wait()

    page = Page(pace)
    if moment == "before":
        closing.set()
    with trio.fail_after(2 * HEARTBEAT_S):
        async with trio.open_nursery() as nursery:
            one = stream(node, closing)
            publish(node, 0)
            nursery.start_soon(one.run, page.write)
            await trio.testing.wait_all_tasks_blocked()
            publish(node, 1)
            if moment == "on the beat":
                await trio.sleep(HEARTBEAT_S)
            elif moment != "with news":
                await trio.testing.wait_all_tasks_blocked()
            closing.set()
            gate.set()
    assert page.numbers() == ([0] if moment == "before" else [0, 1])
    assert node.listening == 0


@pytest.mark.parametrize("behind", [0, 1, 255, 256, 257, REMEMBERED_MAX, REMEMBERED_MAX + 7])
async def test_who_resumes_gets_the_rest_or_is_told_how_much_is_missed(
    autojump_clock: MockClock, behind: int
) -> None:
    node, first, second = FakeNodeApi(), Page(), Page()
    for page, position in ((first, ""), (second, "last")):
        closing = trio.Event()
        async with trio.open_nursery() as nursery:
            at = first.last_id() if position else ""
            nursery.start_soon(stream(node, closing, at).run, page.write)
            await trio.testing.wait_all_tasks_blocked()
            publish(node, 7)
            await trio.testing.wait_all_tasks_blocked()
            closing.set()
        if page is first:
            for number in range(behind):
                publish(node, number)
    lost = max(0, behind - REMEMBERED_MAX)
    assert second.numbers() == [-1] * lost + [*range(lost, behind), 7]
