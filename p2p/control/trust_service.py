"""What the endpoints about trust do."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import TypeVar

from p2p.control import trust_schema as schema
from p2p.core.events import Command
from p2p.core.trust.events import (
    AnchorPurpose,
    AnchorsAdded,
    AnchorsTaken,
    AnchorView,
    ClockView,
    ListTaken,
    ListView,
    StatusListImported,
    TrustForgotten,
    TrustForm,
    TrustListImported,
    TrustRemoved,
)
from p2p.errors import InvalidInput
from p2p.node.api import NodeApi
from p2p.wire.ids import CommandId

Expected = TypeVar("Expected")


class TrustService:
    """The part of the control API about trust."""

    def __init__(self, node: NodeApi, clock: Callable[[], float]) -> None:
        self._node = node
        self._clock = clock
        self._numbers = count(1)

    def state(self) -> schema.TrustState:
        """Give all that the node trusts."""
        view = self._node.trust()
        now_s = view.clock.now_s
        return schema.TrustState(
            anchors=[_anchor(one) for one in view.anchors],
            lists=[_list(one, now_s) for one in view.lists],
            carried=view.carried,
            clock=_clock(view.clock),
            floor=schema.Floor(released_s=view.released_s, lists=view.floor_lists),
            policy=schema.TrustPolicy(
                age_check_status_max_s=view.age_check_status_max_s,
                contract_status_max_s=view.contract_status_max_s,
                stale_list_max_s=view.stale_list_max_s,
            ),
        )

    async def add_anchors(self, request: schema.AddAnchors) -> schema.AnchorsAnswer:
        """Pin certificates.

        Raises:
            InvalidInput, Conflict: no certificates, or they are pinned already.
        """
        if request.as_of_s > self._clock():
            raise InvalidInput("An anchor cannot be known since a time that has not come yet.")
        event = AnchorsAdded(
            self._command(),
            request.pem.encode("utf-8", "replace"),
            request.label,
            AnchorPurpose(request.purpose),
            request.test,
            request.as_of_s,
        )
        taken = await self._ask(event, AnchorsTaken)
        return schema.AnchorsAnswer(anchors=[_anchor(one) for one in taken.anchors], new=taken.new)

    async def import_list(self, request: schema.ImportList) -> schema.ListAnswer:
        """Believe a list of issuers.

        Raises:
            CredentialError: the rule that it breaks.
            UnknownName, InvalidInput, NotReady: there is no such root.
        """
        form = TrustForm(request.form)
        event = TrustListImported(
            self._command(), form, request.data, request.root, request.private
        )
        return await self._import(event)

    async def import_status(self, request: schema.ImportStatus) -> schema.ListAnswer:
        """Take in a status list.

        Raises:
            CredentialError: the rule that it breaks.
        """
        return await self._import(
            StatusListImported(self._command(), request.data, request.private)
        )

    async def remove(self, reference: str) -> schema.Forgotten:
        """Forget an anchor or a list.

        Raises:
            UnknownName, InvalidInput: nothing is called so, or several things are.
        """
        gone = await self._ask(TrustRemoved(self._command(), reference), TrustForgotten)
        return schema.Forgotten(kind=gone.kind, ref=gone.ref, name=gone.name)

    async def _import(self, event: Command) -> schema.ListAnswer:
        taken = await self._ask(event, ListTaken)
        return schema.ListAnswer(
            list=_list(taken.list, taken.clock.now_s),
            new=taken.new,
            shared=taken.shared,
            clock=_clock(taken.clock),
        )

    async def _ask(self, event: Command, expected: type[Expected]) -> Expected:
        result = await self._node.command(event)
        assert isinstance(result, expected), f"{event} was answered by {result}"
        return result

    def _command(self) -> CommandId:
        return CommandId(f"trust-{next(self._numbers)}")


def _anchor(view: AnchorView) -> schema.Anchor:
    return schema.Anchor(
        ref=view.ref,
        label=view.label,
        subject=view.name,
        purpose=view.purpose.value,
        authority=view.authority,
        test=view.test,
        added_s=view.added_s,
        as_of_s=view.as_of_s,
        valid_from_s=view.valid_from_s,
        valid_until_s=view.valid_until_s,
    )


def _list(view: ListView, now_s: float) -> schema.SignedList:
    return schema.SignedList(
        ref=view.ref,
        form=view.form.value,
        title=view.name,
        standing=view.standing.value,
        rule=view.rule,
        sequence=view.sequence,
        issued_s=view.issued_s,
        age_s=max(0, int(now_s) - view.issued_s),
        next_update_s=view.next_update_s,
        entries=view.entries,
        skipped=view.skipped,
        root=view.root,
        test=view.test,
        author=view.author,
        private=view.private,
        seen_s=view.seen_s,
        size_bytes=view.size_bytes,
    )


def _clock(view: ClockView) -> schema.Clock:
    return schema.Clock(
        doubtful=view.doubtful,
        now_s=view.now_s,
        floor_s=view.floor_s,
        floor_from=view.floor_from,
    )
