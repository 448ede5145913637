"""Messages that clients send: resolved, given to the node in order, and never sent twice."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final

from p2p.control.directory import ContactDirectory
from p2p.control.ledger import CommandLedger, Entry
from p2p.control.schema import Send
from p2p.core.effects import Result
from p2p.core.events import SendRequested
from p2p.errors import EnvironmentFault, InvalidInput, LocalError, MolvaError, UnknownName
from p2p.node.api import NodeApi
from p2p.ports.store import Direction, MessageRow
from p2p.wire.ids import CommandId, MessageId
from p2p.wire.limits import LIFETIME_MAX_S

SENDS_REMEMBERED_MAX: Final = 8_192
SENDS_REMEMBERED_S: Final = 3_600.0
"""A client that got no answer tries again within minutes; an hour leaves room."""


@dataclass(frozen=True, slots=True)
class _Fresh:
    """A message that was not asked for before."""

    command_id: str
    event: SendRequested
    entry: Entry[MessageId]


class OutgoingMail:
    """The way of messages from clients to the node."""

    def __init__(self, node: NodeApi, clock: Callable[[], float]) -> None:
        self._node = node
        self._ledger = CommandLedger[MessageId](SENDS_REMEMBERED_MAX, SENDS_REMEMBERED_S, clock)
        self._numbers = count(1)

    async def send(
        self, requests: Sequence[Send], directory: ContactDirectory
    ) -> list[MessageRow | MolvaError]:
        """Give the outcome of each request, in their order; a refusal stands for its item only."""
        plan: list[Entry[MessageId] | MolvaError] = []
        fresh: list[_Fresh] = []
        for request in requests:
            try:
                plan.append(self._plan(request, directory, fresh))
            except LocalError as exc:
                plan.append(exc)
        rows = await self._hand_over(fresh)
        return [await self._outcome(step, rows) for step in plan]

    def _plan(
        self, request: Send, directory: ContactDirectory, fresh: list[_Fresh]
    ) -> Entry[MessageId]:
        if request.lifetime_s > LIFETIME_MAX_S:
            raise InvalidInput(f"A message lives at most {LIFETIME_MAX_S // 86_400} days.")
        contact = directory.find(request.contact).account_key
        fingerprint = _fingerprint(request, contact)
        known = self._ledger.find(request.command_id, fingerprint)
        if known is not None:
            return known
        entry = self._ledger.begin(request.command_id, fingerprint)
        # The client's id is matched in the ledger, and durably by the node; the command's own must
        # be unique among all clients.
        command = CommandId(f"send-{next(self._numbers)}")
        event = SendRequested(
            command, contact, request.text, request.lifetime_s, request.command_id
        )
        fresh.append(_Fresh(request.command_id, event, entry))
        return entry

    async def _hand_over(self, fresh: list[_Fresh]) -> dict[MessageId, MessageRow]:
        if not fresh:
            return {}
        rows: dict[MessageId, MessageRow] = {}
        results: Sequence[Result | EnvironmentFault] = ()
        try:
            results = await self._node.commands([item.event for item in fresh])
        finally:
            for item in fresh[len(results) :]:
                self._ledger.forget(item.command_id)
                item.entry.settle(EnvironmentFault("The node stopped before it was kept."))
        for item, result in zip(fresh, results, strict=True):
            if isinstance(result, MessageRow):
                rows[result.id] = result
                item.entry.settle(result.id)
            else:
                assert isinstance(result, MolvaError), "a send is answered by a row or a refusal"
                self._ledger.forget(item.command_id)
                item.entry.settle(result)
        return rows

    async def _outcome(
        self, step: Entry[MessageId] | MolvaError, rows: dict[MessageId, MessageRow]
    ) -> MessageRow | MolvaError:
        if isinstance(step, MolvaError):
            return step
        outcome = await step.outcome()
        if isinstance(outcome, MolvaError):
            return outcome
        row = rows.get(outcome) or self._node.messages.message(outcome, Direction.OUT)
        return row or UnknownName("That command was sent once, and its message is deleted since.")


def _fingerprint(request: Send, contact: bytes) -> bytes:
    text = request.text.encode()
    head = f"{request.lifetime_s!r}:".encode()
    return hashlib.blake2b(contact + head + text, digest_size=16).digest()
