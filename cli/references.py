"""What people refer to things by on the command line, completed from what the node knows now."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click
from click.shell_completion import CompletionItem

from cli.context import Session
from cli.output import safe_line

if TYPE_CHECKING:
    from p2p.control.client import ControlClient

WAIT_MAX_S: Final = 2.0
"""Nobody waits longer for a completion; a node that is busy completes nothing."""
MESSAGES_MAX: Final = 64
_SHORT_ID_DIGITS: Final = 8
_SHORT_REF_DIGITS: Final = 16


@dataclass(frozen=True, slots=True)
class Known:
    """Something that can be named.

    Attributes:
        forms: what names it, the handiest first.
        about: what it is, for shells that show that; other people's words may be in it.
    """

    forms: tuple[str, ...]
    about: str = ""


class Reference(click.ParamType[str]):
    """A name for something that the node knows, which is what completes it.

    Args:
        name: of the kind of thing.
        known: asks the node for all of that kind.
    """

    def __init__(self, name: str, known: Callable[[ControlClient], Iterable[Known]]) -> None:
        self.name = name
        self._known = known

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Give the first form of each thing that begins so; nothing where no node answers."""
        del param
        from p2p.control.client import ControlClient, MolvaError

        try:
            with ControlClient(ctx.ensure_object(Session).home, WAIT_MAX_S) as client:
                everything = list(self._known(client))
        except MolvaError:
            return []
        fitting = (
            (next((form for form in one.forms if _fits(form, incomplete)), ""), one.about)
            for one in everything
        )
        return [CompletionItem(form, help=safe_line(about)) for form, about in fitting if form]


def _fits(form: str, incomplete: str) -> bool:
    return form.startswith(incomplete) and form.isprintable()


def _contacts(client: ControlClient) -> Iterable[Known]:
    return [Known((one.name, one.account_key)) for one in client.contacts()]


def _messages(client: ControlClient) -> Iterable[Known]:
    from cli.commands.message import other_side, state_in_words

    return [
        Known(_id_forms(one.id), f"{other_side(one)}, {state_in_words(one)}")
        for one in reversed(client.newest_messages(limit=MESSAGES_MAX))
    ]


def _peers(client: ControlClient) -> Iterable[Known]:
    return [Known((one.peer_id,), one.state) for one in client.peers()]


def _anchors(client: ControlClient) -> list[Known]:
    anchors = client.trust.state().anchors
    labels = [one.label for one in anchors]
    return [
        Known(
            (*((one.label,) if labels.count(one.label) == 1 else ()), *_ref_forms(one.ref)),
            one.subject,
        )
        for one in anchors
    ]


def _trusted(client: ControlClient) -> Iterable[Known]:
    lists = client.trust.state().lists
    return [*_anchors(client), *(Known(_ref_forms(one.ref), one.title) for one in lists)]


def _list_roots(client: ControlClient) -> Iterable[Known]:
    return [*_anchors(client), Known(("all",), "any anchor")]


def _credentials(client: ControlClient) -> Iterable[Known]:
    wallet = client.credentials.wallet().credentials
    return [Known(_id_forms(one.id), f"{one.kind} by {one.issuer}") for one in wallet]


def _questions_to_us(client: ControlClient) -> Iterable[Known]:
    from cli.credential_output import who_asks

    return [
        Known(_id_forms(one.id), f"{who_asks(one)}: {one.purpose}")
        for one in client.credentials.requests(direction="in")
        if one.state in ("open", "answered")
    ]


def _questions_of_ours(client: ControlClient) -> Iterable[Known]:
    from cli.credential_output import state_in_words, who_asks

    found = client.credentials.requests(direction="out")
    return [Known(_id_forms(one.id), f"{who_asks(one)}: {state_in_words(one)}") for one in found]


def _id_forms(id_: str) -> tuple[str, str]:
    return id_[:_SHORT_ID_DIGITS], id_


def _ref_forms(ref: str) -> tuple[str, str]:
    return ref[:_SHORT_REF_DIGITS], ref


CONTACT: Final = Reference("contact", _contacts)
"""A contact: its name, its account key, or at least 8 first digits of the key."""
MESSAGE: Final = Reference("message", _messages)
PEER: Final = Reference("peer", _peers)
TRUSTED: Final = Reference("trusted", _trusted)
LIST_ROOT: Final = Reference("root", _list_roots)
CREDENTIAL: Final = Reference("credential", _credentials)
QUESTION_TO_US: Final = Reference("question", _questions_to_us)
QUESTION_OF_OURS: Final = Reference("question", _questions_of_ours)
