"""What the endpoints about credentials do."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Final, TypeVar

from p2p.control import credential_schema as schema
from p2p.control import credential_translation as translation
from p2p.control.directory import ContactDirectory
from p2p.core.events import Command
from p2p.core.exchange.events import (
    NOBODY_YET,
    AnswerMade,
    CredentialAnswered,
    CredentialAsked,
    CredentialImported,
    CredentialList,
    CredentialRemoved,
    CredentialsListed,
    CredentialView,
    EngagementScanned,
    FramesCollected,
    Question,
    RequestList,
    RequestsListed,
    RequestView,
)
from p2p.core.trust.trust import Use
from p2p.credentials.policy import StatusPolicy
from p2p.errors import InvalidInput, UnknownName
from p2p.node.api import NodeApi
from p2p.wire.ids import AccountKey, CommandId

MESH_LIFETIME_S: Final = 86_400.0
"""A carrier may need a day; the answer proves as much as the status list of that day."""
FACE_TO_FACE_LIFETIME_S: Final = 300.0
_ID_DIGITS: Final = 32
_HEX: Final = frozenset("0123456789abcdef")

Expected = TypeVar("Expected")
Found = TypeVar("Found", CredentialView, RequestView)


class CredentialService:
    """The part of the control API about credentials."""

    def __init__(self, node: NodeApi) -> None:
        self._node = node
        self._numbers = count(1)

    # --- the wallet ---
    async def wallet(self) -> schema.CredentialPage:
        """Give all credentials."""
        found = await self._ask(CredentialsListed(self._command()), CredentialList)
        return translation.credentials(found, self._name_of)

    async def credential(self, reference: str) -> schema.Credential:
        """Give one credential.

        Raises:
            UnknownName, InvalidInput: none has this id; several begin so, or it is no id.
        """
        return translation.credential(await self._credential(reference), self._name_of)

    async def take_in(self, request: schema.ImportCredential) -> schema.CredentialPage:
        """Take credentials into the wallet.

        Raises:
            InvalidInput, CredentialError: it is no credential of ours, or not of this key.
        """
        command = CredentialImported(
            self._command(), request.content.encode(), request.key.encode()
        )
        return translation.credentials(await self._ask(command, CredentialList), self._name_of)

    async def remove(self, reference: str) -> schema.Credential:
        """Forget a credential with its keys; raises as :meth:`credential` does."""
        gone = await self._credential(reference)
        await self._ask(CredentialRemoved(self._command(), gone.id), CredentialList)
        return translation.credential(gone, self._name_of)

    # --- questions ---
    async def requests(self, direction: str, state: str) -> schema.CredentialRequestPage:
        """Give the questions of a direction (``in``, ``out``) and a state; empty for all."""
        found = await self._requests()
        shown = [translation.request(view, self._name_of) for view in found]
        return schema.CredentialRequestPage(
            requests=[
                one
                for one in shown
                if direction in ("", one.direction) and state in ("", one.state)
            ]
        )

    async def request(self, reference: str) -> schema.CredentialRequest:
        """Give one question; raises as :meth:`credential` does."""
        return translation.request(await self._request(reference), self._name_of)

    async def ask(self, request: schema.AskCredential) -> schema.CredentialRequest:
        """Ask a contact, or make a code.

        Raises:
            UnknownName, NotReady, Conflict, InvalidInput: it cannot be asked.
        """
        contact = NOBODY_YET
        if request.contact:
            contact = ContactDirectory(self._node.contacts()).find(request.contact).account_key
        default_s = MESH_LIFETIME_S if contact else FACE_TO_FACE_LIFETIME_S
        question = Question(
            purpose=request.purpose,
            kinds=tuple((kind.format, kind.name) for kind in request.kinds),
            elements=tuple(request.elements),
            use=_use(request.use),
            status=_status_policy(request.status_policy),
            lifetime_s=request.lifetime_s or default_s,
        )
        command = CredentialAsked(self._command(), contact, question)
        return translation.request(await self._ask(command, RequestView), self._name_of)

    async def scan(self, request: schema.ScanEngagement) -> schema.CredentialRequest:
        """Take in a question from a code."""
        command = EngagementScanned(self._command(), request.engagement)
        return translation.request(await self._ask(command, RequestView), self._name_of)

    async def answer(
        self, reference: str, request: schema.AnswerCredential
    ) -> schema.CredentialAnswerMade:
        """Answer a question, or decline it."""
        view = await self._request(reference, outgoing=False)
        credential = b""
        if request.credential:
            credential = (await self._credential(request.credential)).id
        elif request.elements:
            raise InvalidInput("Name the credential that shows these elements.")
        command = CredentialAnswered(
            self._command(),
            view.id,
            credential,
            tuple(request.elements),
            int(request.reuse_copy),
            int(request.as_frames),
        )
        return translation.answer(await self._ask(command, AnswerMade), self._name_of)

    async def collect(self, request: schema.CollectFrames) -> schema.CredentialRequest:
        """Judge an answer that was read from QR codes."""
        command = FramesCollected(self._command(), tuple(request.frames))
        return translation.request(await self._ask(command, RequestView), self._name_of)

    # --- how ---
    async def _requests(self) -> tuple[RequestView, ...]:
        return (await self._ask(RequestsListed(self._command()), RequestList)).requests

    async def _request(self, reference: str, *, outgoing: bool = True) -> RequestView:
        views = [view for view in await self._requests() if outgoing or not view.outgoing]
        return _find(reference, views, "question")

    async def _credential(self, reference: str) -> CredentialView:
        found = await self._ask(CredentialsListed(self._command()), CredentialList)
        return _find(reference, found.credentials, "credential")

    def _name_of(self, account_key: AccountKey) -> str:
        return ContactDirectory(self._node.contacts()).name_of(account_key)

    def _command(self) -> CommandId:
        return CommandId(f"credential-{next(self._numbers)}")

    async def _ask(self, event: Command, expected: type[Expected]) -> Expected:
        result = await self._node.command(event)
        assert isinstance(result, expected), f"{event} was answered by {result}"
        return result


def _find(reference: str, views: Sequence[Found], what: str) -> Found:
    prefix = reference.lower()
    digits = schema.CREDENTIAL_PREFIX_MIN
    if not _HEX.issuperset(prefix) or not digits <= len(prefix) <= _ID_DIGITS:
        raise InvalidInput(
            f"{reference!r} is no id of a {what}: write at least {digits} of its "
            f"{_ID_DIGITS} hexadecimal digits."
        )
    fitting = [view for view in views if view.id.hex().startswith(prefix)]
    if not fitting:
        raise UnknownName(f"There is no {what} {reference!r}.")
    if len(fitting) > 1:
        raise InvalidInput(f"Several of this kind begin with {reference!r}: write more digits.")
    return fitting[0]


def _use(text: str) -> Use:
    try:
        return Use(text)
    except ValueError as exc:
        known = ", ".join(use.value for use in Use)
        raise InvalidInput(f"use must be one of {known}.") from exc


def _status_policy(text: str) -> StatusPolicy:
    try:
        return StatusPolicy(text)
    except ValueError as exc:
        known = ", ".join(policy.value for policy in StatusPolicy)
        raise InvalidInput(f"status_policy must be one of {known}.") from exc
