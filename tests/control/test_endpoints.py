"""Every endpoint: what it does, what it answers, and what it refuses."""

from __future__ import annotations

import os

import pytest

from p2p.core.events import ContactBlocked, ContactVerified, MessagesRead, SendRequested
from p2p.errors import NotReady
from p2p.ports.store import MessageState
from p2p.wire.ids import MessageId
from tests.control.api_server import Api
from tests.control.fake_node import BOB, CAROL, START_S, contact_view


async def test_status(api: Api) -> None:
    reply = await api.ask("GET", "/v1/status")
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["cache-control"] == "no-store"
    assert reply.json["pid"] == os.getpid()
    assert reply.json["discovery"] == {"mdns": "on", "dht": "off"}
    assert reply.json["counters"] == {"frames-received": 7}


async def test_send_by_name_key_and_prefix(api: Api) -> None:
    for reference in ("bob", BOB.hex(), BOB.hex().upper(), BOB.hex()[:8]):
        reply = await api.ask("POST", "/v1/messages", {"contact": reference, "text": "hello"})
        assert reply.status == 201
        assert reply.json["contact"] == BOB.hex()
        assert reply.json["contact_name"] == "bob"
        assert reply.json["state"] == "queued"
    assert {e.contact for e in api.node.handled if isinstance(e, SendRequested)} == {BOB}


async def test_send_with_a_lifetime(api: Api) -> None:
    body = {"contact": "bob", "text": "soon", "lifetime_s": 60}
    reply = await api.ask("POST", "/v1/messages", body)
    assert reply.json["expires_s"] == START_S + 60


@pytest.mark.parametrize(
    ("body", "status", "code", "sentence"),
    [
        ({"contact": "dave", "text": "x"}, 404, "unknown-name", "no contact 'dave'"),
        ({"contact": "bob", "text": ""}, 400, "invalid-input", "The text is empty."),
        ({"contact": "b" * 129, "text": "x"}, 400, "invalid-input", "at most 128 characters"),
        ({"contact": "bob"}, 400, "invalid-input", "missing required field `text`"),
        ({"contact": "bob", "text": "x", "txt": 1}, 400, "invalid-input", "unknown field `txt`"),
        ({"contact": "bob", "text": 5}, 400, "invalid-input", "`$.text`"),
        ({"contact": "bob", "text": "x" * 60_001}, 400, "invalid-input", "at most 60000"),
        ({"contact": "bob", "text": "x", "lifetime_s": 0}, 400, "invalid-input", "lifetime_s"),
        (
            {"contact": "bob", "text": "x", "lifetime_s": 31 * 86_400},
            400,
            "invalid-input",
            "30 day",
        ),
        ({"contact": "carol", "text": "x"}, 409, "not-ready", "keys are not here yet"),
        ([1], 400, "invalid-input", "array"),
        ({"contact": BOB.hex()[:7], "text": "x"}, 404, "unknown-name", "no contact"),
    ],
)
async def test_a_send_that_is_refused(
    api: Api, body: object, status: int, code: str, sentence: str
) -> None:
    reply = await api.ask("POST", "/v1/messages", body)
    assert (reply.status, reply.code) == (status, code)
    assert sentence in str(reply.json["detail"])
    assert reply.json["instance"] == "/v1/messages"


async def test_a_full_disk_is_told_as_such(api: Api) -> None:
    api.node.disk_full = True
    reply = await api.ask("POST", "/v1/messages", {"contact": "bob", "text": "x"})
    assert (reply.status, reply.code) == (507, "store-full")


async def test_a_batch_keeps_its_order_and_its_refusals_apart(api: Api) -> None:
    messages = [{"contact": "bob", "text": str(n)} for n in range(20)]
    messages[7] = {"contact": "nobody", "text": "7"}
    messages[9] = {"contact": "carol", "text": "9"}
    reply = await api.ask("POST", "/v1/messages/batch", {"messages": messages})
    results = reply.json["results"]
    assert results[7]["problem"]["type"] == "molva:unknown-name"
    assert results[9]["problem"]["type"] == "molva:not-ready"
    assert [r["message"]["text"] for n, r in enumerate(results) if n not in (7, 9)] == [
        str(n) for n in range(20) if n not in (7, 9)
    ]
    orders = [r["message"]["order"] for r in results if "message" in r]
    assert orders == sorted(orders)


async def test_a_batch_has_bounds(api: Api) -> None:
    for count in (0, 257):
        messages = [{"contact": "bob", "text": "x"}] * count
        reply = await api.ask("POST", "/v1/messages/batch", {"messages": messages})
        assert reply.code == "invalid-input"


async def test_pages_follow_each_other(api: Api) -> None:
    sent = [api.node.receive(BOB, f"text {n}") for n in range(5)]
    seen, after = [], 0
    while True:
        reply = await api.ask("GET", f"/v1/messages?after={after}&limit=2&direction=in")
        seen += [m["id"] for m in reply.json["messages"]]
        if reply.json["next_after"] is None:
            break
        after = reply.json["next_after"]
    assert seen == [m.hex() for m in sent]


async def test_messages_by_contact_state_and_newest(api: Api) -> None:
    first, second = api.node.receive(BOB, "one"), api.node.receive(CAROL, "two")
    await api.ask("POST", "/v1/messages/read", {"ids": [first.hex()]})

    async def ids(query: str) -> list[str]:
        reply = await api.ask("GET", f"/v1/messages?{query}")
        return [m["id"] for m in reply.json["messages"]]

    assert await ids("contact=bob") == [first.hex()]
    assert await ids("state=received") == [second.hex()]
    assert await ids("state=received,read") == [first.hex(), second.hex()]
    assert await ids("newest=true&limit=1") == [second.hex()]
    assert await ids("newest=true&contact=bob") == [first.hex()]
    assert await ids("direction=out") == []


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=257", "limit=x", "limit=-1", "limit=%D9%A3", "after=-1", "after=1e3",
        "after=99999999999999999999", "direction=sideways", "state=lost", "state=read,",
        "nonsense=1", "limit=1&limit=2", "newest=yes", "newest=true&state=read",
        "newest=true&after=3",
        "contact=%ff", "a=1&" * 20,
    ],
)  # fmt: skip
async def test_a_query_that_is_refused(api: Api, query: str) -> None:
    reply = await api.ask("GET", f"/v1/messages?{query}")
    assert (reply.status, reply.code) == (400, "invalid-input")


async def test_a_message_by_the_beginning_of_its_id(api: Api) -> None:
    message = api.node.receive(BOB, "here", MessageId(bytes.fromhex("ab" * 16)))
    for reference in ("abab", "ABABAB", message.hex()):
        assert (await api.ask("GET", f"/v1/messages/{reference}")).json["text"] == "here"
    assert (await api.ask("GET", "/v1/messages/abad")).code == "unknown-name"
    for reference in ("aba", "ab%20ab", "xyzw", "ab" * 17, "%F0%9F%92%A9abab"):
        assert (await api.ask("GET", f"/v1/messages/{reference}")).code == "invalid-input"


async def test_a_beginning_that_fits_two_messages_is_refused(api: Api) -> None:
    api.node.receive(BOB, "one", MessageId(bytes.fromhex("abcd" + "00" * 14)))
    api.node.receive(BOB, "two", MessageId(bytes.fromhex("abcd" + "11" * 14)))
    assert (await api.ask("GET", "/v1/messages/abcd")).code == "invalid-input"
    assert (await api.ask("GET", "/v1/messages/abcd1")).json["text"] == "two"


async def test_an_id_that_a_contact_copied_from_us_needs_a_direction(api: Api) -> None:
    sent = await api.ask("POST", "/v1/messages", {"contact": "bob", "text": "mine"})
    api.node.receive(BOB, "copied", MessageId(bytes.fromhex(sent.json["id"])))
    path = f"/v1/messages/{sent.json['id']}"
    assert (await api.ask("GET", path)).code == "invalid-input"
    assert (await api.ask("GET", f"{path}?direction=out")).json["text"] == "mine"
    assert (await api.ask("GET", f"{path}/history?direction=in")).json["message"][
        "text"
    ] == "copied"


async def test_history(api: Api) -> None:
    sent = await api.ask("POST", "/v1/messages", {"contact": "bob", "text": "x"})
    message = MessageId(bytes.fromhex(sent.json["id"]))
    api.node.move(message, MessageState.CARRIED, 2)
    reply = await api.ask("GET", f"/v1/messages/{message.hex()[:8]}/history")
    assert [e["kind"] for e in reply.json["history"]] == ["queued", "carried"]
    assert reply.json["message"]["carriers"] == 2


async def test_mark_read(api: Api) -> None:
    message = api.node.receive(BOB, "x")
    reply = await api.ask("POST", "/v1/messages/read", {"ids": [message.hex()]})
    assert (reply.status, reply.json) == (200, {})
    assert any(isinstance(e, MessagesRead) for e in api.node.handled)
    assert (await api.ask("GET", f"/v1/messages/{message.hex()}")).json["state"] == "read"
    for ids in ([], ["zz"], [message.hex()[:8]], ["0" * 32] * 1_001):
        assert (await api.ask("POST", "/v1/messages/read", {"ids": ids})).code == "invalid-input"


async def test_contacts(api: Api) -> None:
    listed = (await api.ask("GET", "/v1/contacts")).json["contacts"]
    assert [c["name"] for c in listed] == ["bob", "carol"]
    one = await api.ask("GET", "/v1/contacts/bob")
    assert one.json == listed[0]
    assert one.json["safety_number"].startswith("12345 ")
    assert (await api.ask("GET", "/v1/contacts/nobody")).code == "unknown-name"


async def test_add_rename_verify_block_remove(api: Api) -> None:
    body = {"link": " molva:1:abc\n", "name": " dave "}
    added = await api.ask("POST", "/v1/contacts", body)
    assert (added.status, added.json["name"], added.json["state"]) == (201, "dave", "waiting")
    renamed = await api.ask("PATCH", "/v1/contacts/dave", {"name": "Dave / Müller"})
    assert renamed.json["name"] == "Dave / Müller"
    path = "/v1/contacts/Dave%20%2F%20M%C3%BCller"
    assert (await api.ask("GET", path)).status == 200
    assert (await api.ask("POST", f"{path}/verify")).json["verified"] is True
    assert (await api.ask("POST", f"{path}/verify", {"verified": False})).json["verified"] is False
    assert (await api.ask("POST", f"{path}/block")).json["blocked"] is True
    assert (await api.ask("POST", f"{path}/unblock")).json["blocked"] is False
    assert (await api.ask("DELETE", path)).json == {}
    assert (await api.ask("GET", path)).code == "unknown-name"
    kinds = [type(e) for e in api.node.handled]
    assert kinds.count(ContactVerified) == kinds.count(ContactBlocked) == 2


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"link": "http://example.org", "name": "x"}, "invalid-input"),
        ({"link": "molva:1:abc", "name": "bob"}, "conflict"),
        ({"link": "molva:1:abc", "name": "  "}, "invalid-input"),
        ({"link": "molva:1:abc", "name": "a\nb"}, "invalid-input"),
        ({"link": "molva:1:abc", "name": "evil\u202ename"}, "invalid-input"),
        ({"link": "molva:1:abc", "name": "\u00fc" * 33}, "invalid-input"),
        ({"link": "molva:1:abc"}, "invalid-input"),
        ({"link": "m" * 9_000, "name": "x"}, "invalid-input"),
    ],
)
async def test_a_contact_that_is_refused(api: Api, body: object, code: str) -> None:
    assert (await api.ask("POST", "/v1/contacts", body)).code == code


async def test_a_name_with_joiners_is_a_name(api: Api) -> None:
    name = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
    reply = await api.ask("POST", "/v1/contacts", {"link": "molva:1:abc", "name": name})
    assert reply.json["name"] == name


async def test_a_name_that_looks_like_a_key_catches_nobodys_mail(api: Api) -> None:
    # Names can be suggested by the other side: Mallory calls herself like Bob's key begins.
    mallory = contact_view(CAROL, BOB.hex()[:16])
    api.node._contacts[CAROL] = mallory
    body = {"contact": BOB.hex()[:16], "text": "for bob"}
    reply = await api.ask("POST", "/v1/messages", body)
    assert reply.code == "invalid-input"
    assert "fits 2 contacts" in str(reply.json["detail"])
    api.node._contacts[CAROL] = contact_view(CAROL, BOB.hex())
    reply = await api.ask("POST", "/v1/messages", {"contact": BOB.hex(), "text": "for bob"})
    assert reply.json["contact"] == BOB.hex()


async def test_two_contacts_of_one_name_are_not_guessed_between(api: Api) -> None:
    api.node._contacts[CAROL] = contact_view(CAROL, "bob")
    reply = await api.ask("POST", "/v1/messages", {"contact": "bob", "text": "x"})
    assert reply.code == "invalid-input"


async def test_invites(api: Api) -> None:
    one, two = await api.ask("POST", "/v1/invites"), await api.ask("POST", "/v1/invites", {})
    assert one.status == 201
    assert one.json["link"] != two.json["link"]


async def test_peers(api: Api) -> None:
    address = "/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWBob"
    added = await api.ask("POST", "/v1/peers", {"address": address})
    assert (added.status, added.json["peer_id"]) == (201, "12D3KooWBob")
    assert (await api.ask("GET", "/v1/peers")).json["peers"] == [added.json]
    assert (await api.ask("POST", "/v1/peers/12D3KooWBob/ban")).json == {}
    assert (await api.ask("GET", "/v1/peers")).json["peers"][0]["state"] == "banned"
    assert (await api.ask("DELETE", "/v1/peers/12D3KooWBob")).json == {}
    assert (await api.ask("DELETE", "/v1/peers/12D3KooWBob")).code == "unknown-name"
    bad = await api.ask("POST", "/v1/peers", {"address": "/ip4/127.0.0.1"})
    assert bad.code == "invalid-input"


async def test_custody_and_doctor(api: Api) -> None:
    assert (await api.ask("GET", "/v1/custody")).json == {
        "count": 3, "size_bytes": 1_536, "strangers_max_bytes": 67_108_864, "proofs": 2,
    }  # fmt: skip
    checks = (await api.ask("GET", "/v1/doctor")).json["checks"]
    assert checks == [
        {"name": "clock", "outcome": "ok", "detail": "The clock agrees with 2 neighbours."}
    ]


async def test_stop_is_answered_before_it_happens(api: Api) -> None:
    reply = await api.ask("POST", "/v1/stop")
    assert (reply.status, reply.json) == (202, {})
    assert api.node.stopped


async def test_stop_with_a_body_it_does_not_know_stops_nothing(api: Api) -> None:
    assert (await api.ask("POST", "/v1/stop", {"when": "now"})).code == "invalid-input"
    assert not api.node.stopped


async def test_a_bug_is_one_answer_and_one_report(api: Api) -> None:
    api.node.checks = None
    reply = await api.ask("GET", "/v1/doctor")
    assert (reply.status, reply.code) == (500, "internal-error")
    assert "None" not in str(reply.json["detail"])
    assert isinstance(api.faults.pop(), TypeError)
    assert (await api.ask("GET", "/v1/status")).status == 200


async def test_the_fake_refuses_as_a_node_does(api: Api) -> None:
    with pytest.raises(NotReady):
        raise (await api.node.commands([SendRequested("c", CAROL, "x", 1.0)]))[0]
