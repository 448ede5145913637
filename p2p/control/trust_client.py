"""The client's half of the endpoints about trust."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from p2p.control import trust_schema as schema

if TYPE_CHECKING:
    from p2p.control.client import ControlClient


class TrustClient:
    """What a :class:`~p2p.control.client.ControlClient` can ask about trust; raises as it does."""

    def __init__(self, client: ControlClient) -> None:
        self._client = client

    def state(self) -> schema.TrustState:
        """Give all that the node trusts, and how old it is."""
        return self._client.ask("GET", "/v1/trust", schema.TrustState)

    def add_anchors(self, request: schema.AddAnchors) -> schema.AnchorsAnswer:
        """Pin the certificates of a PEM text."""
        path = "/v1/trust/anchors"
        return self._client.ask("POST", path, schema.AnchorsAnswer, body=request)

    def import_list(self, request: schema.ImportList) -> schema.ListAnswer:
        """Believe a list of issuers."""
        return self._client.ask("POST", "/v1/trust/lists", schema.ListAnswer, body=request)

    def import_status(self, request: schema.ImportStatus) -> schema.ListAnswer:
        """Take in a status list."""
        path = "/v1/trust/status-lists"
        return self._client.ask("POST", path, schema.ListAnswer, body=request)

    def remove(self, reference: str) -> schema.Forgotten:
        """Forget an anchor or a list."""
        path = f"/v1/trust/{quote(reference, safe='')}"
        return self._client.ask("DELETE", path, schema.Forgotten)
