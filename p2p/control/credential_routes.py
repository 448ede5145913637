"""The endpoints about credentials."""

from __future__ import annotations

from typing import Final

import msgspec

from p2p.control import credential_schema, schema
from p2p.control.access import Right
from p2p.control.call import Call, Endpoint
from p2p.control.service import ControlService
from p2p.errors import InvalidInput

_IMPORT: Final = msgspec.json.Decoder(credential_schema.ImportCredential)
_ASK: Final = msgspec.json.Decoder(credential_schema.AskCredential)
_SCAN: Final = msgspec.json.Decoder(credential_schema.ScanEngagement)
_ANSWER: Final = msgspec.json.Decoder(credential_schema.AnswerCredential)
_COLLECT: Final = msgspec.json.Decoder(credential_schema.CollectFrames)
_NOTHING: Final = msgspec.json.Decoder(schema.Nothing)
_STATES: Final = ("", "open", "answered", "declined", "expired", "verified", "refused")


async def _wallet(service: ControlService, _call: Call) -> credential_schema.CredentialPage:
    return await service.credentials.wallet()


async def _import(service: ControlService, call: Call) -> credential_schema.CredentialPage:
    return await service.credentials.take_in(call.body(_IMPORT))


async def _credential(service: ControlService, call: Call) -> credential_schema.Credential:
    return await service.credentials.credential(call.names["ref"])


async def _remove(service: ControlService, call: Call) -> credential_schema.Credential:
    call.body(_NOTHING)
    return await service.credentials.remove(call.names["ref"])


async def _requests(service: ControlService, call: Call) -> credential_schema.CredentialRequestPage:
    call.allow_query("direction", "state")
    direction, state = call.direction(), call.text("state")
    if state not in _STATES:
        raise InvalidInput(f"state must be one of {', '.join(_STATES[1:])}.")
    return await service.credentials.requests(direction.value if direction else "", state)


async def _ask(service: ControlService, call: Call) -> credential_schema.CredentialRequest:
    return await service.credentials.ask(call.body(_ASK))


async def _request(service: ControlService, call: Call) -> credential_schema.CredentialRequest:
    return await service.credentials.request(call.names["id"])


async def _answer(service: ControlService, call: Call) -> credential_schema.CredentialAnswerMade:
    return await service.credentials.answer(call.names["id"], call.body(_ANSWER))


async def _scan(service: ControlService, call: Call) -> credential_schema.CredentialRequest:
    return await service.credentials.scan(call.body(_SCAN))


async def _collect(service: ControlService, call: Call) -> credential_schema.CredentialRequest:
    return await service.credentials.collect(call.body(_COLLECT))


CREDENTIAL_ENDPOINTS: Final = (
    Endpoint("GET", "/v1/credentials", Right.READ, _wallet),
    Endpoint("POST", "/v1/credentials", Right.WRITE, _import, 201),
    Endpoint("GET", "/v1/credentials/{ref}", Right.READ, _credential),
    Endpoint("DELETE", "/v1/credentials/{ref}", Right.WRITE, _remove),
    Endpoint("GET", "/v1/credential-requests", Right.READ, _requests),
    Endpoint("POST", "/v1/credential-requests", Right.WRITE, _ask, 201),
    Endpoint("POST", "/v1/credential-requests/scan", Right.WRITE, _scan),
    Endpoint("POST", "/v1/credential-requests/collect", Right.WRITE, _collect),
    Endpoint("GET", "/v1/credential-requests/{id}", Right.READ, _request),
    Endpoint("POST", "/v1/credential-requests/{id}/answer", Right.WRITE, _answer),
)
"""All there is about credentials."""
