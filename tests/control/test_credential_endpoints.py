"""The endpoints about credentials: what they do, answer and refuse."""

from __future__ import annotations

from typing import Any

import pytest

from tests.control.api_server import Api

WALLET, REQUESTS = "/v1/credentials", "/v1/credential-requests"


async def test_the_wallet(api: Api) -> None:
    reply = await api.ask("POST", WALLET, {"content": "eyJ~", "key": "PEM"})
    assert (reply.status, reply.json["new"]) == (201, 3)
    listed = await api.ask("GET", WALLET)
    (one,) = listed.json["credentials"]
    assert (one["copies"], one["copies_left"], one["used"][0]["verifier_name"]) == (3, 2, "bob")
    assert (await api.ask("GET", f"{WALLET}/C1ED")).json == one
    assert (await api.ask("DELETE", f"{WALLET}/c1ed", {})).json == one
    refused = await api.ask("POST", WALLET, {"content": "bad"})
    assert (refused.status, refused.json["type"]) == (422, "molva:credential-refused")


@pytest.mark.parametrize("ref", ["c1", "xyzw", "c1ed" * 9, "ffff"])
async def test_what_names_no_credential(api: Api, ref: str) -> None:
    assert (await api.ask("GET", f"{WALLET}/{ref}")).status in (400, 404)


async def test_questions(api: Api) -> None:
    listed = (await api.ask("GET", REQUESTS)).json["requests"]
    assert [one["direction"] for one in listed] == ["in", "out"]
    only = (await api.ask("GET", f"{REQUESTS}?direction=in&state=open")).json["requests"]
    assert [one["id"] for one in only] == [listed[0]["id"]]
    assert only[0]["contact_name"] == "bob"
    assert only[0]["elements"][0] == {"name": "family_name", "words": "family name"}
    decided = (await api.ask("GET", f"{REQUESTS}/a5ce")).json
    assert decided["verdict"]["verdict"] == "verified"
    assert (await api.ask("GET", f"{REQUESTS}?state=lost")).status == 400
    assert (await api.ask("GET", f"{REQUESTS}?direction=up")).status == 400


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"elements": ["age_over_18"], "contact": "bob"}, 201),
        ({"elements": ["age_over_18"], "kinds": [{"format": "mso_mdoc", "name": "x"}]}, 201),
        ({"elements": ["age_over_18"], "contact": "nobody"}, 404),
        ({"elements": []}, 400),
        ({"elements": ["x"], "use": "fun"}, 400),
        ({"elements": ["x"], "status_policy": "never"}, 400),
        ({"elements": ["x"], "birth_date": 1}, 400),
    ],
)
async def test_asking(api: Api, body: dict[str, Any], status: int) -> None:
    assert (await api.ask("POST", REQUESTS, body)).status == status


async def test_answering(api: Api) -> None:
    answer = f"{REQUESTS}/4a5e/answer"
    shown = {"credential": "c1ed", "elements": ["family_name"]}
    made = (await api.ask("POST", answer, shown)).json
    assert (made["request"]["state"], made["frames"]) == ("answered", [])
    made = (await api.ask("POST", answer, shown | {"as_frames": True})).json
    assert made["frames"] == ["MF1/A", "MF1/B"]
    assert (await api.ask("POST", answer, {})).json["request"]["state"] == "declined"
    assert (await api.ask("POST", answer, {"elements": ["sex"]})).status == 400
    used = {"credential": "c1ed", "elements": ["document_number"]}
    assert (await api.ask("POST", answer, used)).status == 409
    assert (await api.ask("POST", f"{REQUESTS}/a5ce/answer", shown)).status == 404


async def test_codes(api: Api) -> None:
    scan, collect = f"{REQUESTS}/scan", f"{REQUESTS}/collect"
    scanned = await api.ask("POST", scan, {"engagement": "molva-ask:1:AAAA"})
    assert (scanned.json["calls_itself"], scanned.json["contact_name"]) == ("Kiosk", "")
    assert (await api.ask("POST", scan, {"engagement": "x"})).status == 400
    assert (await api.ask("POST", collect, {"frames": ["a", "b"]})).json["state"] == "verified"
    assert (await api.ask("POST", collect, {"frames": ["a"]})).status == 400
