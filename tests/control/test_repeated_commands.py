"""The same command id takes effect once, however often and however fast it comes."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import trio

from p2p.control.ledger import CommandLedger
from p2p.core.effects import Result
from p2p.core.events import Command, InviteRequested, SendRequested
from p2p.errors import EnvironmentFault, StoreFull
from tests.control.api_server import Api, Reply
from tests.control.fake_node import BOB


def _sends(api: Api) -> int:
    return sum(isinstance(event, SendRequested) for event in api.node.handled)


async def test_a_repeated_send_gives_the_same_message(api: Api) -> None:
    body = {"contact": "bob", "text": "once", "command_id": "c1"}
    first = await api.ask("POST", "/v1/messages", body)
    # The same contact by another reference is the same request.
    second = await api.ask("POST", "/v1/messages", body | {"contact": BOB.hex()})
    assert first.json == second.json
    assert _sends(api) == 1


async def test_without_a_command_id_each_is_a_message(api: Api) -> None:
    for _ in range(2):
        await api.ask("POST", "/v1/messages", {"contact": "bob", "text": "twice"})
    assert _sends(api) == 2


async def test_a_command_id_used_for_something_else_is_a_conflict(api: Api) -> None:
    body = {"contact": "bob", "text": "one", "command_id": "c1"}
    await api.ask("POST", "/v1/messages", body)
    for change in ({"text": "two"}, {"lifetime_s": 60}):
        assert (await api.ask("POST", "/v1/messages", body | change)).code == "conflict"
    assert _sends(api) == 1


async def test_a_repeat_while_the_first_is_under_way_waits_for_it(api: Api) -> None:
    api.node.gate = trio.Event()
    replies: list[Reply] = []

    async def send() -> None:
        body = {"contact": "bob", "text": "once", "command_id": "c1"}
        replies.append(await api.ask("POST", "/v1/messages", body))

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(send)
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert not replies
        api.node.gate.set()
    assert _sends(api) == 1
    assert len({reply.json["id"] for reply in replies}) == 1


async def test_repeats_within_a_batch(api: Api) -> None:
    one = {"contact": "bob", "text": "once", "command_id": "c1"}
    other = {"contact": "bob", "text": "other", "command_id": "c1"}
    reply = await api.ask("POST", "/v1/messages/batch", {"messages": [one, one, other]})
    first, second, third = reply.json["results"]
    assert first == second
    assert third["problem"]["type"] == "molva:conflict"
    assert _sends(api) == 1


async def test_a_refused_command_may_be_tried_again(api: Api) -> None:
    body = {"contact": "bob", "text": "x", "command_id": "c1"}
    api.node.disk_full = True
    assert (await api.ask("POST", "/v1/messages", body)).code == "store-full"
    api.node.disk_full = False
    assert (await api.ask("POST", "/v1/messages", body)).status == 201


async def test_a_message_deleted_since_is_not_sent_anew(api: Api) -> None:
    body = {"contact": "bob", "text": "x", "command_id": "c1"}
    await api.ask("POST", "/v1/messages", body)
    with api.node._store.transaction():
        api.node._store.delete_messages(BOB)
    assert (await api.ask("POST", "/v1/messages", body)).code == "unknown-name"
    assert _sends(api) == 1


async def test_a_repeated_invite_and_contact(api: Api) -> None:
    ask = {"command_id": "i1"}
    one, two = [await api.ask("POST", "/v1/invites", ask) for _ in range(2)]
    assert one.json == two.json
    assert sum(isinstance(e, InviteRequested) for e in api.node.handled) == 1
    body = {"link": "molva:1:x", "name": "dave", "command_id": "a1"}
    one, two = [await api.ask("POST", "/v1/contacts", body) for _ in range(2)]
    assert one.json == two.json
    reply = await api.ask("POST", "/v1/contacts", body | {"link": "molva:1:y"})
    assert reply.code == "conflict"
    refused = {"link": "nothing", "name": "erin", "command_id": "a2"}
    for _ in range(2):
        assert (await api.ask("POST", "/v1/contacts", refused)).code == "invalid-input"


async def test_the_ledger_is_bounded_in_number_and_age() -> None:
    now_s = 0.0
    ledger = CommandLedger[int](3, 10.0, lambda: now_s)
    for number in range(5):
        ledger.begin(f"c{number}", b"f").settle(number)
    assert len(ledger) == 3
    assert ledger.find("c1", b"f") is None
    entry = ledger.find("c4", b"f")
    assert entry is not None
    assert await entry.outcome() == 4
    now_s = 10.5
    assert ledger.find("c4", b"f") is None
    assert len(ledger) == 0


async def test_a_batch_that_was_kept_in_part_is_completed_by_its_repeat(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The node commits a long batch in several steps, and the disk was full at the first."""
    keep = api.node.commands

    async def keep_the_second_half(events: Sequence[Command]) -> list[Result | EnvironmentFault]:
        monkeypatch.setattr(api.node, "commands", keep)
        half = len(events) // 2
        return [StoreFull("The device has no room left.")] * half + await keep(events[half:])

    monkeypatch.setattr(api.node, "commands", keep_the_second_half)
    sends = [{"contact": "bob", "text": f"t{n}", "command_id": f"c{n}"} for n in range(32)]
    first, second, third = [
        (await api.ask("POST", "/v1/messages/batch", {"messages": sends})).json["results"]
        for _ in range(3)
    ]
    assert [item.get("problem", {}).get("type") for item in first[:16]] == ["molva:store-full"] * 16
    assert [item["message"]["text"] for item in second] == [send["text"] for send in sends]
    assert [one["message"]["id"] for one in second[16:]] == [
        one["message"]["id"] for one in first[16:]
    ]
    assert second == third
    assert _sends(api) == 32
