"""The folder of a test issuer: its keys, its anchors for verifiers, and its status list.

::

    DIR/issuer.json            what was issued, and its status
    DIR/root.key, root.pem     and the same of signer and status signer
    DIR/anchors/               the root's certificate, to be given as --trust
    DIR/status.jwt, .cwt       the newest status list tokens, once there is a status list
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cli.failures import CommandFailed
from cli.stateless.bounded_input import Oversized, Unreadable, read_bounded
from p2p.credentials.bundle_file import IssuedMdoc, IssuedSdJwt
from p2p.credentials.encoding import JsonObject, JsonValue, decode_json_object
from p2p.credentials.issuer import SigningParty, TestIssuer, make_test_issuer, signing_party
from p2p.credentials.status_issuing import (
    StatusTerms,
    pack_statuses,
    status_list_cwt,
    status_list_jwt,
)
from p2p.errors import CredentialError, InvalidInput

STATUSES: Final = 1 << 16
"""Room in a test issuer's status list."""
STATUS_LIFE_S: Final = 7 * 86_400
STATUS_TTL_S: Final = 43_200
_FILE_MAX_BYTES: Final = 8 << 20
_VERSION: Final = 1
_PARTIES: Final = ("root", "signer", "status")


@dataclass
class IssuerFolder:
    """A test issuer with its folder.

    ``statuses`` are those that are not free, by index; ``copies`` gives the index of an issued
    copy by :func:`copy_name`.
    """

    folder: Path
    issuer: TestIssuer
    status_uri: str
    listed_at: int = 0
    statuses: dict[int, int] = field(default_factory=dict[int, int])
    copies: dict[str, int] = field(default_factory=dict[str, int])

    def take_index(self) -> int:
        """A free place of the status list, drawn at random so that it tells no order.

        Raises:
            CommandFailed: the list is full.
        """
        if len(self.statuses) >= STATUSES:
            raise CommandFailed(f"The status list is full: it has room for {STATUSES}.")
        while True:
            index = int.from_bytes(os.urandom(4), "big") % STATUSES
            if index not in self.statuses:
                self.statuses[index] = 0
                return index

    def write_status(self) -> list[Path]:
        """Write both status list tokens anew, never with an older time than before."""
        now = int(time.time())
        self.listed_at = max(now, self.listed_at + 1)
        terms = StatusTerms(
            self.status_uri, self.listed_at, self.listed_at + STATUS_LIFE_S, STATUS_TTL_S
        )
        compressed = pack_statuses(self.statuses, STATUSES)
        jwt, cwt = self.folder / "status.jwt", self.folder / "status.cwt"
        replace_file(jwt, status_list_jwt(compressed, terms, self.issuer.status) + b"\n")
        replace_file(cwt, status_list_cwt(compressed, terms, self.issuer.status))
        return [jwt, cwt]

    def save(self) -> None:
        """Write what was issued."""
        statuses: JsonObject = {str(index): value for index, value in self.statuses.items()}
        copies: JsonObject = {**self.copies}
        state: JsonObject = {
            "molva_test_issuer": _VERSION,
            "status_uri": self.status_uri,
            "listed_at": self.listed_at,
            "statuses": statuses,
            "copies": copies,
        }
        replace_file(self.folder / "issuer.json", json.dumps(state).encode("ascii") + b"\n")


def make_issuer_folder(folder: Path, life_s: int) -> IssuerFolder:
    """A new test issuer in a new or empty folder.

    Raises:
        CommandFailed: there is something, or it cannot be written.
        InvalidInput: it is to live longer than a signer may.
    """
    issuer = make_test_issuer(int(time.time()), life_s)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise CommandFailed(f"{folder} is not empty. Name a folder that is not there yet.")
        anchors = folder / "anchors"
        anchors.mkdir(mode=0o700)
    except OSError as exc:
        raise CommandFailed(f"{folder} cannot be written: {exc.strerror}.") from exc
    for name in _PARTIES:
        party: SigningParty = getattr(issuer, name)
        replace_file(folder / f"{name}.key", party.key_pem)
        replace_file(folder / f"{name}.pem", party.pem)
    replace_file(anchors / "molva-test-root.pem", issuer.root.pem)
    uri = f"https://test-issuer.invalid/status/{os.urandom(8).hex()}"
    made = IssuerFolder(folder, issuer, uri)
    made.save()
    return made


def open_issuer_folder(folder: Path) -> IssuerFolder:
    """The test issuer in a folder.

    Raises:
        CommandFailed: there is none, or it cannot be read.
    """
    try:
        parties = [
            signing_party(_read(folder / f"{name}.key"), _read(folder / f"{name}.pem"))
            for name in _PARTIES
        ]
        state = decode_json_object(_read(folder / "issuer.json"), "issuer.json", _FILE_MAX_BYTES)
        return _opened(folder, TestIssuer(*parties), state)
    except (Unreadable, Oversized) as exc:
        raise CommandFailed(
            f"There is no test issuer in {folder}: {exc} "
            f"Make one with: molva credential issue-test new {folder}"
        ) from exc
    except (InvalidInput, CredentialError, ValueError) as exc:
        raise CommandFailed(f"The test issuer in {folder} is damaged: {exc}") from exc


def copy_name(copy: IssuedSdJwt | IssuedMdoc) -> str:
    """What an issuer remembers of a copy: SHA-256 of the credential, in hexadecimal."""
    data = copy.text.encode() if isinstance(copy, IssuedSdJwt) else copy.issuer_signed
    return hashlib.sha256(data).hexdigest()


def replace_file(path: Path, data: bytes) -> None:
    """Have a file of the owner alone hold the data: the old bytes or the new ones, never half.

    Raises:
        CommandFailed: it cannot be written.
    """
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.unlink(missing_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        beside.replace(path)
    except OSError as exc:
        raise CommandFailed(f"{path} cannot be written: {exc.strerror}.") from exc


def _read(path: Path) -> bytes:
    return read_bounded(str(path), _FILE_MAX_BYTES, 1.0)


def _opened(folder: Path, issuer: TestIssuer, state: JsonObject) -> IssuerFolder:
    match state:
        case {
            "molva_test_issuer": 1,
            "status_uri": str() as uri,
            "listed_at": int() as listed_at,
            "statuses": dict() as statuses,
            "copies": dict() as copies,
        }:
            return IssuerFolder(
                folder,
                issuer,
                uri,
                listed_at,
                {int(index): _number(value) for index, value in statuses.items()},
                {name: _number(index) for name, index in copies.items()},
            )
        case _:
            raise InvalidInput("issuer.json was written by another version.")


def _number(value: JsonValue) -> int:
    if not isinstance(value, int):
        raise InvalidInput("a status is no number.")
    return value
