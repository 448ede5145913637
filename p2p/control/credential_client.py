"""The client's half of the endpoints about credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from p2p.control import credential_schema as schema

if TYPE_CHECKING:
    from p2p.control.client import ControlClient


class CredentialClient:
    """What a :class:`~p2p.control.client.ControlClient` can ask about credentials."""

    def __init__(self, client: ControlClient) -> None:
        self._client = client

    def wallet(self) -> schema.CredentialPage:
        """Give all credentials."""
        return self._client.ask("GET", "/v1/credentials", schema.CredentialPage)

    def take_in(self, request: schema.ImportCredential) -> schema.CredentialPage:
        """Take credentials into the wallet."""
        return self._client.ask("POST", "/v1/credentials", schema.CredentialPage, body=request)

    def credential(self, reference: str) -> schema.Credential:
        """Give one credential."""
        path = f"/v1/credentials/{_segment(reference)}"
        return self._client.ask("GET", path, schema.Credential)

    def remove(self, reference: str) -> schema.Credential:
        """Forget a credential with its keys."""
        path = f"/v1/credentials/{_segment(reference)}"
        return self._client.ask("DELETE", path, schema.Credential)

    def requests(self, *, direction: str = "", state: str = "") -> list[schema.CredentialRequest]:
        """Give questions; empty filters fit everything."""
        query = {"direction": direction, "state": state}
        path = "/v1/credential-requests"
        return self._client.ask("GET", path, schema.CredentialRequestPage, query=query).requests

    def request(self, reference: str) -> schema.CredentialRequest:
        """Give one question as it stands."""
        path = f"/v1/credential-requests/{_segment(reference)}"
        return self._client.ask("GET", path, schema.CredentialRequest)

    def ask(self, request: schema.AskCredential) -> schema.CredentialRequest:
        """Ask a contact, or make a code."""
        path = "/v1/credential-requests"
        return self._client.ask("POST", path, schema.CredentialRequest, body=request)

    def scan(self, engagement: str) -> schema.CredentialRequest:
        """Take in a question from a code."""
        body = schema.ScanEngagement(engagement=engagement)
        path = "/v1/credential-requests/scan"
        return self._client.ask("POST", path, schema.CredentialRequest, body=body)

    def answer(
        self, reference: str, request: schema.AnswerCredential
    ) -> schema.CredentialAnswerMade:
        """Answer a question, or decline it."""
        path = f"/v1/credential-requests/{_segment(reference)}/answer"
        return self._client.ask("POST", path, schema.CredentialAnswerMade, body=request)

    def collect(self, frames: list[str]) -> schema.CredentialRequest:
        """Judge an answer that was read from QR codes."""
        body = schema.CollectFrames(frames=frames)
        path = "/v1/credential-requests/collect"
        return self._client.ask("POST", path, schema.CredentialRequest, body=body)


def _segment(text: str) -> str:
    """Give one part of a path; ids are digits, so an empty one is written as what it is not."""
    return quote(text or "-", safe="")
