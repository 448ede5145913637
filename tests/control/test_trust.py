"""The endpoints about trust: values in and out, refusals by rule, and room for a whole file."""

from __future__ import annotations

import base64

import pytest

from p2p.control.schema import REQUEST_SIZE_MAX_BYTES, UPLOAD_REQUEST_MAX_BYTES
from p2p.control.trust_schema import UPLOAD_SIZE_MAX_BYTES
from p2p.core.trust.events import AnchorPurpose, AnchorsAdded, StatusListImported, TrustListImported
from tests.control.api_server import Api
from tests.control.fake_node import START_S
from tests.control.fake_trust import ROOT, STATUS, VICAL


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


async def test_all_is_shown(api: Api) -> None:
    reply = await api.ask("GET", "/v1/trust")
    assert reply.status == 200
    state = reply.json
    assert [one["ref"] for one in state["anchors"]] == [ROOT.ref]
    assert [one["form"] for one in state["lists"]] == ["vical", "status"]
    assert state["lists"][0]["standing"] == "stale"
    assert state["lists"][1]["author"] == STATUS.author
    assert state["lists"][1]["age_s"] == 7_200
    assert state["clock"]["floor_from"] == "signed"
    assert state["floor"]["lists"] == 0
    assert state["policy"]["contract_status_max_s"] == 86_400


async def test_an_anchor_is_pinned(api: Api) -> None:
    body = {"pem": "PEM", "label": "U", "purpose": "both", "test": True, "as_of_s": 5}
    reply = await api.ask("POST", "/v1/trust/anchors", body)
    assert (reply.status, reply.json["new"]) == (201, 1)
    (event,) = api.node.handled
    assert isinstance(event, AnchorsAdded)
    assert (event.pem, event.label, event.test, event.as_of_s) == (b"PEM", "U", True, 5)
    assert event.purpose is AnchorPurpose.BOTH


@pytest.mark.parametrize(
    "change",
    [
        {"pem": ""},
        {"purpose": "everything"},
        {"label": "x" * 65},
        {"as_of_s": -1},
        {"as_of_s": int(START_S) + 1},
        {"unknown": 1},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_an_anchor_that_cannot_be(api: Api, change: dict[str, object]) -> None:
    reply = await api.ask("POST", "/v1/trust/anchors", {"pem": "PEM"} | change)
    assert (reply.status, reply.code) == (400, "invalid-input")
    assert not api.node.handled


async def test_a_list_is_imported(api: Api) -> None:
    body = {"form": "vical", "data": b64(b"\x00\xff"), "root": "U", "private": True}
    reply = await api.ask("POST", "/v1/trust/lists", body)
    assert (reply.status, reply.json["new"], reply.json["shared"]) == (201, True, False)
    assert reply.json["list"]["title"] == VICAL.name
    (event,) = api.node.handled
    assert isinstance(event, TrustListImported)
    assert (event.data, event.root, event.private) == (b"\x00\xff", "U", True)


@pytest.mark.parametrize(
    "body",
    [
        {"form": "status", "data": b64(b"x")},
        {"form": "vical", "data": "no base64!"},
        {"form": "vical", "data": ""},
        {"form": "vical"},
    ],
    ids=["form", "base64", "empty", "none"],
)
async def test_a_list_that_cannot_be(api: Api, body: dict[str, object]) -> None:
    reply = await api.ask("POST", "/v1/trust/lists", body)
    assert (reply.status, reply.code) == (400, "invalid-input")


async def test_a_refusal_names_its_rule(api: Api) -> None:
    reply = await api.ask("POST", "/v1/trust/status-lists", {"data": b64(b"bad")})
    assert (reply.status, reply.code) == (422, "credential-refused")
    assert reply.json["rule"] == "status-signature"
    other = await api.ask("GET", "/v1/contacts/nobody")
    assert "rule" not in other.json


async def test_a_file_of_four_mebibytes_fits_and_no_more(api: Api) -> None:
    whole = bytes(UPLOAD_SIZE_MAX_BYTES)
    reply = await api.ask("POST", "/v1/trust/status-lists", {"data": b64(whole)})
    assert reply.status == 201
    (event,) = api.node.handled
    assert isinstance(event, StatusListImported)
    assert len(event.data) == UPLOAD_SIZE_MAX_BYTES
    one_more = await api.ask("POST", "/v1/trust/status-lists", {"data": b64(whole + b"x")})
    assert (one_more.status, one_more.code) == (400, "invalid-input")
    huge = await api.ask("POST", "/v1/trust/lists", {"data": "A" * UPLOAD_REQUEST_MAX_BYTES})
    assert (huge.status, huge.code) == (413, "too-large")
    elsewhere = await api.ask("POST", "/v1/trust/anchors", {"pem": "A" * REQUEST_SIZE_MAX_BYTES})
    assert (elsewhere.status, elsewhere.code) == (413, "too-large")


async def test_something_is_removed(api: Api) -> None:
    reply = await api.ask("DELETE", f"/v1/trust/{ROOT.ref[:8]}")
    assert (reply.status, reply.json["kind"]) == (200, "anchor")
    gone = await api.ask("DELETE", "/v1/trust/nothing")
    assert (gone.status, gone.code) == (404, "unknown-name")
