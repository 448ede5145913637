"""One request that has found its endpoint, and what an endpoint is."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar

import msgspec

from p2p.control.access import Right
from p2p.control.http import JSON, Request
from p2p.control.service import ControlService
from p2p.errors import InvalidInput, RequestRefused
from p2p.ports.store import Direction, MessageState

Body = TypeVar("Body", bound=msgspec.Struct)
_WRONG_LENGTH: Final = re.compile(r"Expected `str` of length ([<>]=) (\d+) - at `\$\.(\w+)`")


@dataclass(frozen=True, slots=True)
class Call:
    """A request that has found its endpoint.

    ``names`` are the decoded parts of the path that stand in braces, ``query`` the decoded query.
    """

    request: Request
    names: Mapping[str, str]
    query: Mapping[str, list[str]]

    def body(self, decoder: msgspec.json.Decoder[Body]) -> Body:
        """Read the body.

        Raises:
            InvalidInput, RequestRefused: it is not what the endpoint takes.
        """
        if not self.request.body:
            return _decode(decoder, b"{}")
        content_type = self.request.header(b"content-type").partition(";")[0].strip().lower()
        if content_type != JSON.decode():
            raise RequestRefused(
                "invalid-input", 415, "Send the body with Content-Type: application/json."
            )
        return _decode(decoder, self.request.body)

    def allow_query(self, *names: str) -> None:
        """Refuse query fields other than ``names``, and fields that come twice.

        Raises:
            InvalidInput: there is one.
        """
        for name, values in self.query.items():
            if name not in names:
                raise InvalidInput(f"This endpoint knows no query field {name!r}.")
            if len(values) > 1:
                raise InvalidInput(f"The query field {name!r} came {len(values)} times.")

    def text(self, name: str) -> str:
        """Give a query field, or the empty string."""
        return self.query.get(name, [""])[0]

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """Give a query field that is a whole number from ``least`` to ``most``.

        Raises:
            InvalidInput: it is not.
        """
        text = self.text(name)
        if not text:
            return default
        value = int(text) if text.isascii() and text.isdigit() and len(text) < 17 else least - 1
        if not least <= value <= most:
            raise InvalidInput(f"{name} must be a whole number from {least} to {most}.")
        return value

    def direction(self) -> Direction | None:
        """Give the ``direction`` asked for, or None for both.

        Raises:
            InvalidInput: it is neither ``in`` nor ``out``.
        """
        text = self.text("direction")
        if not text:
            return None
        try:
            return Direction(text)
        except ValueError as exc:
            raise InvalidInput("direction must be in or out.") from exc

    def states(self) -> tuple[MessageState, ...]:
        """Give the message states asked for, separated by commas; empty for any.

        Raises:
            InvalidInput: one of them is no state.
        """
        text = self.text("state")
        try:
            return tuple(MessageState(state) for state in text.split(",")) if text else ()
        except ValueError as exc:
            known = ", ".join(state.value for state in MessageState)
            raise InvalidInput(f"state must be of {known}.") from exc


Run: TypeAlias = Callable[[ControlService, Call], Awaitable[msgspec.Struct]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address of the API; ``run`` is None for the event stream, which has no single answer."""

    method: str
    path: str
    right: Right
    run: Run | None
    status: int = 200

    @property
    def parts(self) -> tuple[str, ...]:
        """Give the parts of the path between its slashes."""
        return tuple(self.path.split("/"))


def _decode(decoder: msgspec.json.Decoder[Body], data: bytes) -> Body:
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeError) as exc:
        raise InvalidInput(_complaint(str(exc))) from exc
    except RecursionError as exc:
        raise InvalidInput("The body is nested too deeply.") from exc


def _complaint(found: str) -> str:
    """Put into words what is wrong with a body; people meet a wrong length most."""
    length = _WRONG_LENGTH.fullmatch(found)
    if length is None:
        return f"The body is not what this endpoint takes: {found}."
    bound, number, field = length.groups()
    if (bound, number) == (">=", "1"):
        return f"The {field} is empty."
    most = "most" if bound == "<=" else "least"
    return f"The {field} must have at {most} {number} characters."
