"""The endpoints about trust."""

from __future__ import annotations

from typing import Final

import msgspec

from p2p.control import schema, trust_schema
from p2p.control.access import Right
from p2p.control.call import Call, Endpoint
from p2p.control.service import ControlService

_ADD: Final = msgspec.json.Decoder(trust_schema.AddAnchors)
_IMPORT_LIST: Final = msgspec.json.Decoder(trust_schema.ImportList)
_IMPORT_STATUS: Final = msgspec.json.Decoder(trust_schema.ImportStatus)
_NOTHING: Final = msgspec.json.Decoder(schema.Nothing)


async def _state(service: ControlService, _call: Call) -> trust_schema.TrustState:
    return service.trust.state()


async def _add(service: ControlService, call: Call) -> trust_schema.AnchorsAnswer:
    return await service.trust.add_anchors(call.body(_ADD))


async def _import_list(service: ControlService, call: Call) -> trust_schema.ListAnswer:
    return await service.trust.import_list(call.body(_IMPORT_LIST))


async def _import_status(service: ControlService, call: Call) -> trust_schema.ListAnswer:
    return await service.trust.import_status(call.body(_IMPORT_STATUS))


async def _remove(service: ControlService, call: Call) -> trust_schema.Forgotten:
    call.body(_NOTHING)
    return await service.trust.remove(call.names["ref"])


TRUST_ENDPOINTS: Final = (
    Endpoint("GET", "/v1/trust", Right.READ, _state),
    Endpoint("POST", "/v1/trust/anchors", Right.WRITE, _add, 201),
    Endpoint("POST", "/v1/trust/lists", Right.WRITE, _import_list, 201),
    Endpoint("POST", "/v1/trust/status-lists", Right.WRITE, _import_status, 201),
    Endpoint("DELETE", "/v1/trust/{ref}", Right.WRITE, _remove),
)
"""All there is about trust."""
