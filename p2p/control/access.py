"""Who may ask: the checks before any endpoint is reached.

The unix socket is private to its user, so whoever reaches it may do everything. On loopback TCP
every local user and every web page can knock, so a token is asked for; one of two tells apart who
may only read. Requests from web pages are refused in both places: a page sends Origin, Referer or
Sec-Fetch headers, and cannot name a Host that we accept (DNS rebinding).
"""

from __future__ import annotations

import hmac
import os
import secrets
import stat
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from p2p.control.http import Request
from p2p.errors import EnvironmentFault, RequestRefused

READ_TOKEN_FILE: Final = "token-read"  # noqa: S105 - the name of a file, no secret
WRITE_TOKEN_FILE: Final = "token-write"  # noqa: S105 - the name of a file, no secret
_TOKEN_BYTES: Final = 32
_TOKEN_SIZE_MAX_BYTES: Final = 256
_BROWSER_HEADERS: Final = (b"origin", b"referer", b"sec-fetch-site", b"sec-fetch-mode")


class Right(Enum):
    """What an endpoint asks of the caller."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True)
class Tokens:
    """The two bearer tokens of the TCP listener."""

    read: str
    write: str

    def rights_of(self, token: str) -> frozenset[Right]:
        """Give what the holder of ``token`` may do; takes the same time whatever it is."""
        given = token.encode()
        may_write = hmac.compare_digest(given, self.write.encode())
        may_read = hmac.compare_digest(given, self.read.encode())
        if may_write:
            return frozenset(Right)
        return frozenset({Right.READ} if may_read else ())


@dataclass(frozen=True, slots=True)
class Access:
    """The rules of one listener: accepted Host values, and tokens where they are needed."""

    hosts: frozenset[str]
    tokens: Tokens | None

    @classmethod
    def of_socket(cls) -> Access:
        """Give the rules of the unix socket."""
        return cls(frozenset({"localhost", "molva"}), None)

    @classmethod
    def of_loopback(cls, port: int, tokens: Tokens) -> Access:
        """Give the rules of the TCP listener."""
        names = ("127.0.0.1", "localhost")
        return cls(frozenset(f"{name}:{port}" for name in names), tokens)

    def check(self, request: Request, right: Right) -> None:
        """Make sure that this request may use an endpoint that asks for ``right``.

        Raises:
            RequestRefused: it may not; ``status`` is 401 where a token would help, else 403.
        """
        self.check_origin(request)
        if self.tokens is None:
            return
        scheme, _, token = request.header(b"authorization").partition(" ")
        rights = self.tokens.rights_of(token.strip() if scheme.lower() == "bearer" else "")
        if not rights:
            raise RequestRefused(
                "access-denied", 401, "Send a token of this node: Authorization: Bearer TOKEN."
            )
        if right not in rights:
            raise RequestRefused("access-denied", 403, "This token may only read.")

    def check_origin(self, request: Request) -> None:
        """Refuse what comes from a web page or asks for another host.

        Raises:
            RequestRefused: with status 403.
        """
        if any(name in _BROWSER_HEADERS for name, _ in request.headers):
            raise RequestRefused(
                "access-denied", 403, "Web pages may not use this node: no Origin, no Referer."
            )
        host = request.header(b"host").lower()
        if host not in self.hosts:
            accepted = " or ".join(sorted(self.hosts))
            raise RequestRefused("access-denied", 403, f"The Host must be {accepted}.")


def keep_tokens(folder: Path) -> Tokens:
    """Give the tokens in ``folder``, making those that are missing.

    They outlive the process, so that a service keeps its access; deleting a file renews it.

    Raises:
        EnvironmentFault: a file is a link, another user's, open to others, or no token.
    """
    return Tokens(_keep_token(folder / READ_TOKEN_FILE), _keep_token(folder / WRITE_TOKEN_FILE))


def _keep_token(path: Path) -> str:
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o600)
    except OSError as exc:
        raise EnvironmentFault(f"The token file {path} cannot be used: {exc.strerror}.") from exc
    with os.fdopen(descriptor, "r+b") as file:
        info = os.fstat(descriptor)
        private = stat.S_ISREG(info.st_mode) and not stat.S_IMODE(info.st_mode) & 0o077
        if not private or info.st_uid != os.getuid():
            raise EnvironmentFault(f"The token file {path} must be yours alone: chmod 600.")
        token = file.read(_TOKEN_SIZE_MAX_BYTES + 1).decode("latin-1").strip()
        if not token:
            token = secrets.token_urlsafe(_TOKEN_BYTES)
            file.write(token.encode() + b"\n")
    if not _TOKEN_BYTES <= len(token) <= _TOKEN_SIZE_MAX_BYTES:
        raise EnvironmentFault(f"{path} holds no token: delete it, and the node makes a new one.")
    return token
