"""One deadline for all of a connection's life, and an end that may come at each moment of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
import trio
import trio.testing

from p2p.control import http
from p2p.control.http import Answer, Conversation, Request, Streaming, Write
from p2p.errors import MolvaError

HEAD = b"POST / HTTP/1.1\r\nHost: molva\r\nContent-Length: 2\r\n\r\n"
ASKS_FIRST = HEAD.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n")


class Desk:
    """Answers with the body; what it takes up it must be able to finish."""

    def __init__(self, takes_s: float = 0.0) -> None:
        self._takes_s = takes_s
        self.begun: list[bytes] = []
        self.finished: list[bytes] = []

    async def respond(self, request: Request) -> Answer | Streaming:
        self.begun.append(request.body)
        await trio.sleep(self._takes_s)
        self.finished.append(request.body)
        return Answer(200, request.body)


def _refuse(error: MolvaError) -> Answer:
    return Answer(400, str(error).encode())


@asynccontextmanager
async def conversing(
    desk: Desk,
) -> AsyncIterator[tuple[trio.abc.Stream, Conversation, trio.Event]]:
    """A conversation, the client's end of it, and what is set when it is over."""
    ours, theirs = trio.testing.memory_stream_pair()
    conversation = Conversation(ours, desk.respond, _refuse)
    over = trio.Event()

    async def run() -> None:
        await conversation.run()
        await ours.aclose()
        over.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        await trio.testing.wait_all_tasks_blocked()
        yield theirs, conversation, over
        nursery.cancel_scope.cancel()


async def test_a_client_that_asks_first_and_reads_no_leave_is_given_up(
    autojump_clock: trio.abc.Clock,
) -> None:
    """It held its place for ever, and could not be asked to make room."""
    send, receive = trio.testing.lockstep_stream_pair()
    with trio.fail_after(http.REQUEST_WAIT_S + 1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Conversation(send, Desk().respond, _refuse).run)
            await receive.send_all(ASKS_FIRST)


async def test_leave_to_go_on_does_not_lengthen_the_time_for_a_request(
    autojump_clock: trio.abc.Clock,
) -> None:
    desk = Desk()
    async with conversing(desk) as (client, _, over):
        began_s = trio.current_time()
        await client.send_all(ASKS_FIRST[:5])
        await trio.sleep(http.REQUEST_WAIT_S - 1)
        await client.send_all(ASKS_FIRST[5:])
        assert (await client.receive_some()).startswith(b"HTTP/1.1 100 ")
        await over.wait()
        assert trio.current_time() - began_s == pytest.approx(http.REQUEST_WAIT_S)
    assert desk.begun == []


@pytest.mark.parametrize("cut", [1, len(HEAD), len(HEAD) + 1])
async def test_a_request_just_in_time_leaves_no_deadline_behind(
    autojump_clock: trio.abc.Clock, cut: int
) -> None:
    desk = Desk(takes_s=3 * http.REQUEST_WAIT_S)
    data = HEAD + b"hi"
    async with conversing(desk) as (client, _, _):
        for _ in range(2):
            await client.send_all(data[:cut])
            await trio.sleep(http.REQUEST_WAIT_S - 0.1)
            await client.send_all(data[cut:])
            assert (await client.receive_some()).endswith(b"hi")
            await trio.sleep(10 * http.REQUEST_WAIT_S)
    assert desk.finished == [b"hi", b"hi"]


async def test_a_request_ahead_that_is_not_whole_has_its_own_time(
    autojump_clock: trio.abc.Clock,
) -> None:
    desk = Desk(takes_s=http.REQUEST_WAIT_S)
    async with conversing(desk) as (client, _, over):
        began_s = trio.current_time()
        await client.send_all(HEAD + b"hi" + HEAD + b"h")
        assert (await client.receive_some()).endswith(b"hi")
        assert trio.current_time() - began_s == pytest.approx(http.REQUEST_WAIT_S)
        await over.wait()
        assert trio.current_time() - began_s == pytest.approx(2 * http.REQUEST_WAIT_S)
    assert desk.begun == [b"hi"]


async def test_many_requests_ahead_are_all_answered_in_order(
    autojump_clock: trio.abc.Clock,
) -> None:
    desk = Desk()
    bodies = [b"%02d" % number for number in range(60)]
    said = b""
    async with conversing(desk) as (client, _, _):
        await client.send_all(b"".join(HEAD + body for body in bodies))
        while said.count(b"HTTP/1.1 200") < 60 or not said.endswith(b"59"):
            said += bytes(await client.receive_some())
    assert desk.finished == bodies


@pytest.mark.parametrize("cut", [0, 1, len(HEAD), len(HEAD) + 1, len(HEAD) + 2])
@pytest.mark.parametrize("at_once", [True, False])
async def test_an_end_at_each_moment_of_a_request(
    autojump_clock: trio.abc.Clock, cut: int, at_once: bool
) -> None:
    """What was taken up is answered, and what is not answered was not taken up."""
    desk = Desk(takes_s=1.0)
    said = b""
    async with conversing(desk) as (client, conversation, _):
        if cut:
            await client.send_all((HEAD + b"hi")[:cut])
        if not at_once:
            await trio.testing.wait_all_tasks_blocked()
        conversation.end()
        with suppress(trio.BrokenResourceError):  # over already
            await client.send_all((HEAD + b"hi" + HEAD + b"no")[cut:])
        with trio.fail_after(5):
            while part := await client.receive_some():
                said += part
    assert desk.begun == desk.finished
    assert said.count(b"HTTP/1.1 200") == len(desk.finished) <= 1
    assert not desk.finished or said.endswith(b"hi")


async def test_a_request_that_is_whole_in_the_last_moment_is_answered_or_not_taken_up(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """The machine was busy: the rest of the request and its deadline are noticed together."""
    desk = Desk(takes_s=1.0)
    async with conversing(desk) as (client, _, over):
        await client.send_all(HEAD + b"h")
        await trio.testing.wait_all_tasks_blocked()
        await client.send_all(b"i")
        autojump_clock.jump(http.REQUEST_WAIT_S + 1)
        await over.wait()
    assert desk.begun == desk.finished


async def test_an_end_does_not_cut_off_a_stream(autojump_clock: trio.abc.Clock) -> None:
    """It ends when it has said what it has to."""
    ours, theirs = trio.testing.memory_stream_pair()

    async def speak(write: Write) -> None:
        for _ in range(3):
            await write(b"word ")
            await trio.sleep(2 * http.WRITE_WAIT_S)

    async def respond(_request: Request) -> Streaming:
        return Streaming(speak, b"text/plain")

    conversation = Conversation(ours, respond, _refuse)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(conversation.run)
        await theirs.send_all(b"GET / HTTP/1.1\r\nHost: molva\r\n\r\n")
        await trio.testing.wait_all_tasks_blocked()
        conversation.end()
        said = b""
        while not said.endswith(b"0\r\n\r\n"):
            said += bytes(await theirs.receive_some())
    assert said.count(b"word ") == 3


async def test_a_client_that_stops_reading_in_an_answer_is_given_up(
    autojump_clock: trio.abc.Clock,
) -> None:
    send, receive = trio.testing.lockstep_stream_pair()
    afterwards: list[bool] = []

    async def respond(_request: Request) -> Answer:
        return Answer(200, bytes(100_000), afterwards=lambda: afterwards.append(True))

    with trio.fail_after(http.WRITE_WAIT_S + 1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Conversation(send, respond, _refuse).run)
            await receive.send_all(b"GET / HTTP/1.1\r\nHost: molva\r\n\r\n")
            assert len(await receive.receive_some(1_000)) == 1_000
    assert afterwards == [True]
