"""The event stream: what it carries, how it resumes, and what it never loses in silence."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import h11
import pytest
import trio
import trio.testing

from p2p.control.events import EventStream
from p2p.control.schema import EVENT_NAMES, HEARTBEAT_S
from p2p.core.effects import (
    ClockDisagrees,
    ContactChanged,
    CustodyDropped,
    CustodyTaken,
    InviteReused,
    MessageChanged,
    NeighbourChanged,
    RecordArrived,
    RecordDropped,
)
from p2p.core.exchange.events import AnswerGiven, RequestArrived, VerdictReached
from p2p.core.trust.events import TrustChanged
from p2p.node.subscribers import REMEMBERED_MAX, SUBSCRIBERS_MAX
from p2p.ports.store import MessageState, RecordRow, RecordTier
from p2p.wire.ids import AuthorKey, EnvelopeId, MessageId, PeerId, RecordId
from p2p.wire.record import RecordKey
from tests.control import fake_credentials
from tests.control.api_server import Api
from tests.control.fake_node import BOB, START_S, FakeNodeApi, contact_view

MESSAGE = MessageId(bytes(range(16)))
ENVELOPE = EnvelopeId(bytes(range(32)))
PEER = PeerId("12D3KooWCarol")
RECORD = RecordRow(
    id=RecordId(b"\xd5" * 32),
    key=RecordKey(AuthorKey(bytes(32)), 3, b"l"),
    version=1,
    size_bytes=9,
    body_hash=bytes(32),
    issued_s=1,
    expires_s=2,
    header=b"",
    tier=RecordTier.VERIFIED,
    depositor=PEER,
    received_s=1.0,
)


class Reader:
    """Reads events off a stream."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self._client = h11.Connection(h11.CLIENT)
        self._buffer = b""
        self.ended = False

    async def open(self, target: str, headers: dict[str, str]) -> int:
        given = [("Host", "molva"), *headers.items()]
        request = h11.Request(method="GET", target=target, headers=given)
        data = (self._client.send(request) or b"") + (self._client.send(h11.EndOfMessage()) or b"")
        await self._stream.send_all(data)
        event = await self._next()
        assert isinstance(event, h11.Response)
        self.headers = dict(event.headers)
        return event.status_code

    async def block(self) -> list[str]:
        """Give the lines up to the next empty one; none at the end."""
        while b"\n\n" not in self._buffer:
            event = await self._next()
            if not isinstance(event, h11.Data):
                self.ended = True
                return []
            self._buffer += event.data
        block, _, self._buffer = self._buffer.partition(b"\n\n")
        return block.decode().split("\n")

    async def event(self) -> dict[str, object]:
        with trio.fail_after(5):
            lines = dict(line.split(": ", 1) for line in await self.block())
        data = json.loads(lines["data"])
        assert (data["id"], data["event"]) == (lines["id"], lines["event"])
        return data

    async def _next(self) -> h11.Event | type[h11.PAUSED]:
        while (event := self._client.next_event()) is h11.NEED_DATA:
            self._client.receive_data(await self._stream.receive_some(65_536))
        return event


@asynccontextmanager
async def listening(
    api: Api, target: str = "/v1/events", **headers: str
) -> AsyncGenerator[Reader, None]:
    async with await api.connect() as stream:
        reader = Reader(stream)
        assert await reader.open(target, headers) == 200
        assert reader.headers[b"content-type"] == b"text/event-stream"
        yield reader


async def test_a_new_stream_says_where_it_begins_and_tells_only_what_is_new(api: Api) -> None:
    api.node.receive(BOB, "before")
    async with listening(api) as events:
        opened = await events.event()
        assert opened["event"] == "stream.opened"
        message = api.node.receive(BOB, "after")
        event = await events.event()
        assert event["event"] == "message.received"
        assert event["message"]["id"] == message.hex()
        assert event["message"]["contact_name"] == "bob"
        assert event["id"].partition(".")[0] == opened["id"].partition(".")[0]


async def test_every_notice_has_its_event(api: Api) -> None:
    view = contact_view(BOB, "bob")
    cases = [
        (MessageChanged(MESSAGE, BOB, MessageState.CARRIED, 0), "message.changed",
         {"message_id": MESSAGE.hex(), "contact_key": BOB.hex(), "state": "carried",
          "carriers": 0}),
        (ContactChanged(view, "answered"), "contact.changed", {"why": "answered"}),
        (NeighbourChanged(PEER, present=False), "neighbour.changed",
         {"peer_id": PEER, "present": False}),
        (CustodyTaken(ENVELOPE, 512), "custody.taken",
         {"envelope_id": ENVELOPE.hex(), "size_bytes": 512}),
        (CustodyDropped(ENVELOPE, "proven"), "custody.dropped",
         {"envelope_id": ENVELOPE.hex(), "why": "proven"}),
        (InviteReused(), "invite.reused", {}),
        (ClockDisagrees(PEER, -90_000.0), "clock.disagrees",
         {"peer_id": PEER, "offset_s": -90_000.0}),
        (RecordArrived(RECORD), "record.arrived",
         {"kind": "3", "ref": "d5" * 32, "name": "6c", "size_bytes": 9, "why": "verified"}),
        (RecordDropped(RECORD, "expired"), "record.dropped",
         {"kind": "3", "ref": "d5" * 32, "name": "6c", "size_bytes": 9, "why": "expired"}),
        (TrustChanged("status", "5e" * 32, "https://status.example/7", "arrived"),
         "trust.changed",
         {"kind": "status", "ref": "5e" * 32, "name": "https://status.example/7",
          "why": "arrived"}),
        (RequestArrived(fake_credentials.INCOMING), "credential.requested", {}),
        (AnswerGiven(fake_credentials.INCOMING), "credential.answered", {}),
        (VerdictReached(fake_credentials.DECIDED), "credential.verdict", {}),
    ]  # fmt: skip
    seen = {"stream.opened", "stream.missed", "message.received"}
    async with listening(api) as events:
        await events.event()
        for notice, name, members in cases:
            api.node.publish(notice)
            event = await events.event()
            assert event["event"] == name
            assert members.items() <= event.items()
            seen.add(name)
    assert seen == set(EVENT_NAMES)


@pytest.mark.parametrize("way", ["header", "query"])
async def test_a_stream_resumes_after_the_last_event_seen(api: Api, way: str) -> None:
    for number in range(5):
        api.node.receive(BOB, str(number))
    async with listening(api, "/v1/events?after=0") as events:
        await events.event()
        third = [await events.event() for _ in range(3)][-1]
    given = {"Last-Event-ID": str(third["id"])} if way == "header" else {}
    target = "/v1/events" if way == "header" else f"/v1/events?after={third['id']}"
    async with listening(api, target, **given) as events:
        assert (await events.event())["id"] == third["id"]
        assert (await events.event())["message"]["text"] == "3"


async def test_another_processs_position_is_told_as_missed(api: Api) -> None:
    api.node.receive(BOB, "x")
    for position in ("deadbeef.7", f"{int(START_S * 1000):x}.99"):
        async with listening(api, **{"Last-Event-ID": position}) as events:
            assert (await events.event())["event"] == "stream.opened"
            assert (await events.event())["event"] == "stream.missed"
            assert (await events.event())["event"] == "message.received"


async def test_what_is_forgotten_is_told_as_missed(api: Api) -> None:
    for _ in range(REMEMBERED_MAX + 10):
        api.node.publish(NeighbourChanged(PEER, present=True))
    async with listening(api, "/v1/events?after=0") as events:
        await events.event()
        gap = await events.event()
        assert (gap["event"], gap["missed"]) == ("stream.missed", 10)
        assert str((await events.event())["id"]).endswith(".11")


@pytest.mark.parametrize("position", ["x", "1", "a.b", "a.", "a.-1", "a.\xb2", "a." + "9" * 99])
async def test_a_position_that_is_none_is_refused(api: Api, position: str) -> None:
    reply = await api.ask("GET", "/v1/events", headers={"Host": "molva", "Last-Event-ID": position})
    assert (reply.status, reply.code) == (400, "invalid-input")


async def test_an_unknown_query_field_is_refused(api: Api) -> None:
    assert (await api.ask("GET", "/v1/events?since=0")).code == "invalid-input"


async def test_one_listener_too_many_is_refused_with_a_problem(api: Api) -> None:
    async with trio.open_nursery() as nursery:

        async def listen() -> None:
            async with api.node.subscribe(0) as notices:
                async for _ in notices:
                    pass

        for _ in range(SUBSCRIBERS_MAX):
            nursery.start_soon(listen)
        await trio.testing.wait_all_tasks_blocked()
        assert (await api.ask("GET", "/v1/events")).code == "conflict"
        nursery.cancel_scope.cancel()


async def test_the_names_follow_the_contacts(api: Api) -> None:
    async with listening(api) as events:
        await events.event()
        api.node.receive(BOB, "one")
        assert (await events.event())["message"]["contact_name"] == "bob"
        await api.ask("PATCH", "/v1/contacts/bob", {"name": "robert"})
        assert (await events.event())["event"] == "contact.changed"
        api.node.receive(BOB, "two")
        assert (await events.event())["message"]["contact_name"] == "robert"


async def test_the_stream_ends_when_the_node_stops(api: Api) -> None:
    async with listening(api) as events:
        await events.event()
        api.node.receive(BOB, "last words")
        api.server.close()
        assert (await events.event())["event"] == "message.received"
        assert await events.block() == []
        assert events.ended


async def test_the_stream_ends_when_the_node_drops_the_listener(api: Api) -> None:
    async with listening(api) as events:
        await events.event()
        api.node.receive(BOB, "last words")
        api.node.end_streams()
        assert (await events.event())["event"] == "message.received"
        assert await events.block() == []


async def test_a_client_that_leaves_is_forgotten(api: Api) -> None:
    async with listening(api) as events:
        await events.event()
        assert api.node.listening == 1
    await trio.testing.wait_all_tasks_blocked(0.05)
    assert api.node.listening == 0


async def test_a_silent_stream_shows_that_it_lives(autojump_clock: trio.abc.Clock) -> None:
    chunks: list[bytes] = []

    async def write(chunk: bytes) -> None:
        await trio.lowlevel.checkpoint()
        chunks.append(chunk)

    stream = EventStream(FakeNodeApi(), "", START_S, trio.Event())
    with trio.move_on_after(HEARTBEAT_S * 3 + 1):
        await stream.run(write)
    assert chunks[1:] == [b":\n\n"] * 3


async def test_notices_that_pile_up_leave_in_one_write() -> None:
    chunks: list[bytes] = []
    node = FakeNodeApi()
    closing = trio.Event()
    slow = trio.Event()

    async def write(chunk: bytes) -> None:
        chunks.append(chunk)
        await slow.wait()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(EventStream(node, "", START_S, closing).run, write)
        await trio.testing.wait_all_tasks_blocked()
        for number in range(200):
            node.publish(MessageChanged(MESSAGE, BOB, MessageState.CARRIED, number))
        await trio.testing.wait_all_tasks_blocked()
        slow.set()
        await trio.testing.wait_all_tasks_blocked()
        closing.set()
    assert len(chunks) == 2
    assert chunks[1].count(b"event: message.changed") == 200


async def test_a_client_that_reads_too_slowly_is_ended_with_bounded_memory() -> None:
    node = FakeNodeApi()
    chunks: list[bytes] = []
    slow = trio.Event()

    async def write(chunk: bytes) -> None:
        chunks.append(chunk)
        await slow.wait()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(EventStream(node, "", START_S, trio.Event()).run, write)
        await trio.testing.wait_all_tasks_blocked()
        for number in range(REMEMBERED_MAX // 20 + 30):
            for _ in range(20):
                node.publish(MessageChanged(MESSAGE, BOB, MessageState.CARRIED, number))
            await trio.testing.wait_all_tasks_blocked()
        assert node.listening == 1
        slow.set()
    assert node.listening == 0
    assert b"".join(chunks).count(b"event: message.changed") < 600
