"""The endpoints: address, right, and the way from a request to the service and back."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs, unquote

import msgspec

from p2p.control import schema
from p2p.control.access import Right
from p2p.control.call import Call, Endpoint
from p2p.control.credential_routes import CREDENTIAL_ENDPOINTS
from p2p.control.http import Request
from p2p.control.service import ControlService
from p2p.control.trust_routes import TRUST_ENDPOINTS
from p2p.errors import InvalidInput, RequestRefused

PREFIX: Final = f"/v{schema.API_VERSION}"
_QUERY_FIELDS_MAX: Final = 16
_ORDER_MAX: Final = 2**53

_SEND: Final = msgspec.json.Decoder(schema.Send)
_SEND_BATCH: Final = msgspec.json.Decoder(schema.SendBatch)
_MARK_READ: Final = msgspec.json.Decoder(schema.MarkRead)
_ADD_CONTACT: Final = msgspec.json.Decoder(schema.AddContact)
_RENAME_CONTACT: Final = msgspec.json.Decoder(schema.RenameContact)
_VERIFY_CONTACT: Final = msgspec.json.Decoder(schema.VerifyContact)
_MAKE_INVITE: Final = msgspec.json.Decoder(schema.MakeInvite)
_ADD_PEER: Final = msgspec.json.Decoder(schema.AddPeer)
_NOTHING: Final = msgspec.json.Decoder(schema.Nothing)


async def _status(service: ControlService, _call: Call) -> schema.Status:
    return service.status()


async def _custody(service: ControlService, _call: Call) -> schema.Custody:
    return service.custody()


async def _doctor(service: ControlService, _call: Call) -> schema.Diagnosis:
    return await service.doctor()


async def _send(service: ControlService, call: Call) -> schema.Message:
    return await service.send(call.body(_SEND))


async def _send_batch(service: ControlService, call: Call) -> schema.BatchAnswer:
    return await service.send_batch(call.body(_SEND_BATCH))


async def _messages(service: ControlService, call: Call) -> schema.MessagePage:
    call.allow_query("direction", "contact", "state", "after", "limit", "newest")
    limit = call.number("limit", schema.PAGE_DEFAULT, 1, schema.PAGE_MAX)
    newest = call.text("newest")
    if newest not in ("", "true", "false"):
        raise InvalidInput("newest must be true or false.")
    if newest == "true":
        if call.text("state") or call.text("after"):
            raise InvalidInput("newest goes with direction, contact and limit only.")
        return service.newest(call.direction(), call.text("contact"), limit)
    after = call.number("after", 0, 0, _ORDER_MAX)
    return service.page(call.direction(), call.text("contact"), call.states(), after, limit)


async def _message(service: ControlService, call: Call) -> schema.Message:
    call.allow_query("direction")
    return service.message(call.names["id"], call.direction())


async def _history(service: ControlService, call: Call) -> schema.MessageHistory:
    call.allow_query("direction")
    return service.history(call.names["id"], call.direction())


async def _mark_read(service: ControlService, call: Call) -> schema.Nothing:
    return await service.mark_read(call.body(_MARK_READ))


async def _contacts(service: ControlService, _call: Call) -> schema.ContactList:
    return service.contacts()


async def _add_contact(service: ControlService, call: Call) -> schema.Contact:
    return await service.add_contact(call.body(_ADD_CONTACT))


async def _contact(service: ControlService, call: Call) -> schema.Contact:
    return service.contact(call.names["ref"])


async def _rename_contact(service: ControlService, call: Call) -> schema.Contact:
    return await service.rename_contact(call.names["ref"], call.body(_RENAME_CONTACT))


async def _remove_contact(service: ControlService, call: Call) -> schema.Nothing:
    call.body(_NOTHING)
    return await service.remove_contact(call.names["ref"])


async def _verify_contact(service: ControlService, call: Call) -> schema.Contact:
    return await service.verify_contact(call.names["ref"], call.body(_VERIFY_CONTACT))


async def _block_contact(service: ControlService, call: Call) -> schema.Contact:
    call.body(_NOTHING)
    return await service.block_contact(call.names["ref"])


async def _unblock_contact(service: ControlService, call: Call) -> schema.Contact:
    call.body(_NOTHING)
    return await service.unblock_contact(call.names["ref"])


async def _invite(service: ControlService, call: Call) -> schema.Invite:
    return await service.invite(call.body(_MAKE_INVITE))


async def _peers(service: ControlService, _call: Call) -> schema.PeerList:
    return service.peers()


async def _add_peer(service: ControlService, call: Call) -> schema.Peer:
    return await service.add_peer(call.body(_ADD_PEER))


async def _remove_peer(service: ControlService, call: Call) -> schema.Nothing:
    call.body(_NOTHING)
    return await service.remove_peer(call.names["id"])


async def _ban_peer(service: ControlService, call: Call) -> schema.Nothing:
    call.body(_NOTHING)
    return await service.ban_peer(call.names["id"])


async def _stop(_service: ControlService, call: Call) -> schema.Nothing:
    return call.body(_NOTHING)


STOP: Final = Endpoint("POST", "/v1/stop", Right.WRITE, _stop, 202)
EVENTS: Final = Endpoint("GET", "/v1/events", Right.READ, None)
ENDPOINTS: Final = (
    Endpoint("GET", "/v1/status", Right.READ, _status),
    Endpoint("POST", "/v1/messages", Right.WRITE, _send, 201),
    Endpoint("POST", "/v1/messages/batch", Right.WRITE, _send_batch),
    Endpoint("POST", "/v1/messages/read", Right.WRITE, _mark_read),
    Endpoint("GET", "/v1/messages", Right.READ, _messages),
    Endpoint("GET", "/v1/messages/{id}", Right.READ, _message),
    Endpoint("GET", "/v1/messages/{id}/history", Right.READ, _history),
    Endpoint("GET", "/v1/contacts", Right.READ, _contacts),
    Endpoint("POST", "/v1/contacts", Right.WRITE, _add_contact, 201),
    Endpoint("GET", "/v1/contacts/{ref}", Right.READ, _contact),
    Endpoint("PATCH", "/v1/contacts/{ref}", Right.WRITE, _rename_contact),
    Endpoint("DELETE", "/v1/contacts/{ref}", Right.WRITE, _remove_contact),
    Endpoint("POST", "/v1/contacts/{ref}/verify", Right.WRITE, _verify_contact),
    Endpoint("POST", "/v1/contacts/{ref}/block", Right.WRITE, _block_contact),
    Endpoint("POST", "/v1/contacts/{ref}/unblock", Right.WRITE, _unblock_contact),
    Endpoint("POST", "/v1/invites", Right.WRITE, _invite, 201),
    Endpoint("GET", "/v1/peers", Right.READ, _peers),
    Endpoint("POST", "/v1/peers", Right.WRITE, _add_peer, 201),
    Endpoint("DELETE", "/v1/peers/{id}", Right.WRITE, _remove_peer),
    Endpoint("POST", "/v1/peers/{id}/ban", Right.WRITE, _ban_peer),
    Endpoint("GET", "/v1/custody", Right.READ, _custody),
    Endpoint("GET", "/v1/doctor", Right.READ, _doctor),
    *TRUST_ENDPOINTS,
    *CREDENTIAL_ENDPOINTS,
    EVENTS,
    STOP,
)
"""All there is."""
_PATTERNS: Final = tuple((e.parts, e) for e in sorted(ENDPOINTS, key=lambda e: e.path.count("{")))
"""Those with fewer names first: /v1/messages/read fits /v1/messages/{id} too, and is meant."""
_NAMELESS: Final = {(e.method, e.path): e for e in ENDPOINTS if "{" not in e.path}
"""Most requests, found at once."""


def find_endpoint(request: Request) -> tuple[Endpoint, Call]:
    """Give the endpoint of a request with what its address says.

    Raises:
        RequestRefused: no such address, version or method.
        InvalidInput: the address is no proper UTF-8, or has too many query fields.
    """
    segments = tuple(request.path.split("/"))
    exact = _NAMELESS.get((request.method, request.path))
    if exact is not None:
        return exact, _call(exact, segments, request)
    fitting = [endpoint for parts, endpoint in _PATTERNS if _fits(parts, segments)]
    if not fitting:
        raise _unknown_address(request.path)
    for endpoint in fitting:
        if endpoint.method == request.method:
            return endpoint, _call(endpoint, segments, request)
    methods = ", ".join(sorted({endpoint.method for endpoint in fitting}))
    raise RequestRefused("method-not-allowed", 405, f"This address takes {methods}.")


def _fits(pattern: tuple[str, ...], segments: tuple[str, ...]) -> bool:
    return len(pattern) == len(segments) and all(
        (part.startswith("{") and segment != "") or part == segment
        for part, segment in zip(pattern, segments, strict=True)
    )


def _call(endpoint: Endpoint, segments: tuple[str, ...], request: Request) -> Call:
    try:
        names = {
            part[1:-1]: unquote(segment, errors="strict")
            for part, segment in zip(endpoint.parts, segments, strict=True)
            if part.startswith("{")
        }
        query = parse_qs(
            request.query,
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_QUERY_FIELDS_MAX,
        )
    except ValueError as exc:
        raise InvalidInput("The address is no proper percent-encoded UTF-8.") from exc
    return Call(request, names, query)


def _unknown_address(path: str) -> RequestRefused:
    version = path.split("/")[1] if path.startswith("/") else ""
    if version != PREFIX[1:] and version[:1] == "v" and version[1:].isdigit():
        return RequestRefused(
            "version-unsupported",
            404,
            f"This node speaks {PREFIX} of the control API, not /{version[:16]}.",
        )
    return RequestRefused("unknown-endpoint", 404, "There is no such address in this API.")
