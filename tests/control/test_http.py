"""What a client may do to the connection, and what it costs."""

from __future__ import annotations

import json
from contextlib import suppress

import h11
import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p.control import http
from p2p.control.http import Answer, Conversation, Request, Streaming, Write
from p2p.control.schema import REQUEST_SIZE_MAX_BYTES
from p2p.control.server import CONNECTIONS_MAX
from p2p.errors import MolvaError
from tests.control.api_server import UNIX_HOST, Api, exchange, read_reply

STATUS = b"GET /v1/status HTTP/1.1\r\nHost: molva\r\n\r\n"


async def _raw(api: Api, data: bytes) -> bytes:
    """Give all that the server says to ``data`` until it closes."""
    async with await api.connect() as stream:
        await stream.send_all(data)
        await stream.send_eof()
        answer = b""
        while chunk := await stream.receive_some(65_536):
            answer += chunk
        return answer


async def test_requests_follow_each_other_on_one_connection(api: Api) -> None:
    async with await api.connect() as stream:
        for _ in range(3):
            reply = await exchange(stream, "GET", "/v1/status", b"", UNIX_HOST)
            assert reply.status == 200
        body = json.dumps({"contact": "bob", "text": "x"}).encode()
        headers = {**UNIX_HOST, "Content-Type": "application/json; charset=utf-8"}
        assert (await exchange(stream, "POST", "/v1/messages", body, headers)).status == 201


async def test_requests_sent_ahead_are_answered_in_order(api: Api) -> None:
    answer = await _raw(api, STATUS + STATUS.replace(b"status", b"custody"))
    assert answer.count(b"HTTP/1.1 200") == 2
    assert answer.index(b'"pid"') < answer.rindex(b'"strangers_max_bytes"')


async def test_a_request_in_single_bytes(api: Api) -> None:
    async with await api.connect() as stream:
        for byte in STATUS:
            await stream.send_all(bytes([byte]))
        assert (await read_reply(_asked(), stream)).status == 200


def _asked() -> h11.Connection:
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="GET", target="/v1/status", headers=[("Host", "molva")]))
    client.send(h11.EndOfMessage())
    return client


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"hello\r\n\r\n",
        b"GET /v1/status HTTP/1.1\r\n\r\n",
        b"GET /v1/status HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET /v1/status HTTP/1.1\r\nHost: molva\r\nX: " + b"x" * 20_000,
        b"POST /v1/messages HTTP/1.1\r\nHost: molva\r\nContent-Length: -1\r\n\r\n",
        b"POST /v1/messages HTTP/1.1\r\nHost: molva\r\nContent-Length: 5\r\n"
        b"Content-Length: 6\r\n\r\n",
        b"POST /v1/messages HTTP/1.1\r\nHost: molva\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_what_is_no_http_is_a_400(api: Api, data: bytes) -> None:
    answer = await _raw(api, data)
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 431 "))
    assert b"application/problem+json" in answer


async def test_a_request_broken_off_is_nothing(api: Api) -> None:
    head = b"POST /v1/messages HTTP/1.1\r\nHost: molva\r\nContent-Length: 500\r\n\r\n{"
    await _raw(api, head)
    assert not api.node.handled
    assert (await api.ask("GET", "/v1/status")).status == 200


@pytest.mark.parametrize(
    "framing",
    [
        b"Content-Length: %d\r\n\r\n" % (REQUEST_SIZE_MAX_BYTES + 1),
        b"Content-Length: 99999999999999999999\r\n\r\n",
    ],
)
async def test_a_body_announced_too_large_is_refused_unread(api: Api, framing: bytes) -> None:
    answer = await _raw(api, b"POST /v1/messages HTTP/1.1\r\nHost: molva\r\n" + framing)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"molva:too-large" in answer


async def test_a_body_that_grows_too_large_is_refused(api: Api) -> None:
    async with await api.connect() as stream:
        await stream.send_all(
            b"POST /v1/messages HTTP/1.1\r\nHost: molva\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        chunk = b"10000\r\n" + bytes(65_536) + b"\r\n"
        for _ in range(REQUEST_SIZE_MAX_BYTES // 65_536 + 1):
            await stream.send_all(chunk)
        reply = await read_reply(_asked(), stream)
    assert (reply.status, reply.code) == (413, "too-large")


async def test_curl_waits_for_100_continue_before_a_large_body(api: Api) -> None:
    body = json.dumps({"contact": "bob", "text": "x"}).encode()
    async with await api.connect() as stream:
        await stream.send_all(
            b"POST /v1/messages HTTP/1.1\r\nHost: molva\r\nContent-Type: application/json\r\n"
            b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body)
        )
        assert (await stream.receive_some(100)).startswith(b"HTTP/1.1 100 ")
        await stream.send_all(body)
        assert (await stream.receive_some(65_536)).startswith(b"HTTP/1.1 201 ")


async def test_head_has_no_body(api: Api) -> None:
    answer = await _raw(api, STATUS.replace(b"GET", b"HEAD"))
    assert answer.startswith(b"HTTP/1.1 405 ")
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("method", "target", "status", "code"),
    [
        ("GET", "/", 404, "unknown-endpoint"),
        ("GET", "/v1", 404, "unknown-endpoint"),
        ("GET", "/v1/status/", 404, "unknown-endpoint"),
        ("GET", "/v1/messages//history", 404, "unknown-endpoint"),
        ("GET", "/v1/../v1/status", 404, "unknown-endpoint"),
        ("GET", "http://molva/v1/status", 404, "unknown-endpoint"),
        ("GET", "/v2/status", 404, "version-unsupported"),
        ("POST", "/v0/anything/at/all", 404, "version-unsupported"),
        ("DELETE", "/v1/status", 405, "method-not-allowed"),
        ("PUT", "/v1/contacts/bob", 405, "method-not-allowed"),
        ("GET", "/v1/messages/read", 400, "invalid-input"),
        ("GET", "/v1/contacts/%ff%fe", 400, "invalid-input"),
    ],
)
async def test_an_address_that_is_refused(
    api: Api, method: str, target: str, status: int, code: str
) -> None:
    reply = await api.ask(method, target)
    assert (reply.status, reply.code) == (status, code)


async def test_a_version_problem_says_which_one_is_spoken(api: Api) -> None:
    reply = await api.ask("GET", "/v2/messages")
    assert reply.json["detail"] == "This node speaks /v1 of the control API, not /v2."


async def test_a_form_is_no_json(api: Api) -> None:
    headers = {**UNIX_HOST, "Content-Type": "application/x-www-form-urlencoded"}
    reply = await api.ask("POST", "/v1/messages", {"contact": "bob", "text": "x"}, headers)
    assert (reply.status, reply.code) == (415, "invalid-input")


@pytest.mark.parametrize(
    "body", [b"{", b"\xff\xfe", b'{"contact":"bob","text":"\\ud800"}', b"[" * 100_000, b"nul"]
)
async def test_bytes_that_are_no_json(api: Api, body: bytes) -> None:
    head = b"POST /v1/messages HTTP/1.1\r\nHost: molva\r\nContent-Type: application/json\r\n"
    answer = await _raw(api, head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert answer.startswith(b"HTTP/1.1 400 ")


UNFINISHED = b"POST /v1/messages HTTP/1.1\r\nHost: molva\r\nContent-Length: 9\r\n\r\n"


async def test_more_clients_than_the_node_talks_to_are_told(api: Api) -> None:
    streams = [await api.connect() for _ in range(CONNECTIONS_MAX)]
    for stream in streams:
        await stream.send_all(UNFINISHED)
    await trio.testing.wait_all_tasks_blocked(0.05)
    assert (await api.ask("GET", "/v1/status")).code == "busy"
    for stream in streams:
        await stream.aclose()
    await trio.testing.wait_all_tasks_blocked(0.05)
    assert (await api.ask("GET", "/v1/status")).status == 200


async def test_connections_that_ask_nothing_make_room_for_those_that_do(api: Api) -> None:
    streams = [await api.connect() for _ in range(3 * CONNECTIONS_MAX)]
    for stream in streams[::2]:
        with suppress(trio.BrokenResourceError):  # made room already
            await stream.send_all(b"GET /v1/sta")
    await trio.testing.wait_all_tasks_blocked(0.05)
    assert len(api.server._conversations) <= CONNECTIONS_MAX + 1
    assert (await api.ask("GET", "/v1/status")).status == 200
    newest = streams[-1]
    assert (await exchange(newest, "GET", "/v1/custody", b"", UNIX_HOST)).status == 200
    assert await streams[0].receive_some(1) == b""
    for stream in streams:
        await stream.aclose()


async def test_a_body_whose_end_is_told_in_two_ways_is_refused(api: Api) -> None:
    body = b"0\r\n\r\n" + STATUS
    head = b"POST /v1/messages HTTP/1.1\r\nHost: molva\r\nTransfer-Encoding: chunked\r\n"
    answer = await _raw(api, head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1


# --- the conversation alone, on a stream in memory and a clock that jumps ---
async def _echo(request: Request) -> Answer:
    return Answer(200, request.body)


def _refuse(error: MolvaError) -> Answer:
    return Answer(400, str(error).encode())


async def test_a_request_that_never_ends_is_given_up(autojump_clock: trio.abc.Clock) -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    await theirs.send_all(b"POST / HTTP/1.1\r\nHost: molva\r\nContent-Length: 9\r\n\r\nx")
    await Conversation(ours, _echo, _refuse).run()
    assert trio.current_time() >= http.REQUEST_WAIT_S


async def test_a_head_in_drips_is_given_up(autojump_clock: trio.abc.Clock) -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    began = trio.current_time()
    async with trio.open_nursery() as nursery:

        async def drip() -> None:
            for _ in range(1_000):
                await theirs.send_all(b"G")
                await trio.sleep(http.REQUEST_WAIT_S - 1)

        nursery.start_soon(drip)
        await Conversation(ours, _echo, _refuse).run()
        nursery.cancel_scope.cancel()
    assert trio.current_time() - began <= http.REQUEST_WAIT_S + 1


async def test_a_silent_connection_may_stay(autojump_clock: trio.abc.Clock) -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    conversation = Conversation(ours, _echo, _refuse)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(conversation.run)
        await trio.sleep(86_400)
        await theirs.send_all(b"POST / HTTP/1.1\r\nHost: molva\r\nContent-Length: 2\r\n\r\nhi")
        assert (await theirs.receive_some()).endswith(b"hi")
        conversation.end()


async def test_a_client_that_does_not_read_loses_its_connection(
    autojump_clock: trio.abc.Clock,
) -> None:
    send, receive = trio.testing.lockstep_stream_pair()

    async def flood(write: Write) -> None:
        while True:
            await write(b"x" * 1_000)

    async def respond(_request: Request) -> Streaming:
        return Streaming(flood, b"text/plain")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(Conversation(send, respond, _refuse).run)
        await receive.send_all(b"GET / HTTP/1.1\r\nHost: molva\r\n\r\n")
    assert trio.current_time() >= http.WRITE_WAIT_S


async def test_a_stuck_write_does_not_keep_the_node_from_stopping() -> None:
    send, receive = trio.testing.lockstep_stream_pair()
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Conversation(send, _echo, _refuse).run)
            await receive.send_all(b"GET / HTTP/1.1\r\nHost: molva\r\n\r\n")
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()


@settings(max_examples=200, deadline=None)
@given(chunks=st.lists(st.binary(max_size=60) | st.sampled_from([STATUS, b"\r\n\r\n", b"GET "])))
def test_any_bytes_end_in_answers_or_a_close(chunks: list[bytes]) -> None:
    async def converse() -> bytes:
        ours, theirs = trio.testing.memory_stream_pair()
        said = b""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Conversation(ours, _echo, _refuse).run)
            for chunk in chunks:
                await theirs.send_all(chunk)
            await theirs.send_eof()
        await ours.aclose()
        while part := await theirs.receive_some(65_536):
            said += part
        return said

    said = trio.run(converse, clock=trio.testing.MockClock(autojump_threshold=0))
    assert not said or said.startswith(b"HTTP/1.1 ")
