"""The trust anchors in a folder: certificates, VICAL and LoTE files, each used or told of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cli.stateless.bounded_input import Oversized, Unreadable, read_bounded
from p2p.credentials import limits
from p2p.credentials.trust_lists import TrustList, read_lote, read_vical
from p2p.credentials.x509_trust import Anchor, TrustStore, anchor_from_der, anchors_from_pem
from p2p.errors import CredentialError, InvalidInput

CERTIFICATES: Final = frozenset({".pem", ".crt", ".cer", ".der"})
VICALS: Final = frozenset({".vical"})
LOTES: Final = frozenset({".json", ".jwt"})
FILES_MAX: Final = 4_096
_WAIT_MAX_S: Final = 1.0
"""A trust folder holds files; a pipe in it is not waited for."""
_PEM_MARK: Final = b"-----BEGIN"


@dataclass(frozen=True, slots=True)
class TrustFolder:
    """What a folder gave: anchors, and a sentence about each file that gave none."""

    store: TrustStore
    notes: tuple[str, ...]


def read_trust_folder(folder: Path, now: int) -> TrustFolder:
    """The anchors in a folder.

    Certificates come first; a list is believed only if its signer leads to one of them, and of
    several issues of one list only the newest. A certificate's anchor is dated with the last
    change of its file, a list's with the list's own date. The order of the names decides nothing.

    Raises:
        Unreadable: the folder cannot be listed, or has too many files.
    """
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError as exc:
        raise Unreadable(f"{folder} cannot be read: {exc.strerror}.") from exc
    if len(names) > FILES_MAX:
        raise Unreadable(f"{folder} has {len(names)} files; a trust folder has {FILES_MAX}.")
    notes: list[str] = []
    anchors: list[Anchor] = []
    for name in names:
        if _kind(name) in CERTIFICATES:
            anchors += _certificates(folder / name, notes)
        elif _kind(name) not in VICALS | LOTES:
            notes.append(
                f"{name} is not used: it is no .pem, .crt, .cer, .der, .vical, .json, .jwt."
            )
    roots = TrustStore(anchors)
    lists = {
        name: found
        for name in names
        if _kind(name) in VICALS | LOTES
        and (found := _listed(folder / name, roots, now, notes)) is not None
    }
    for name, found in lists.items():
        newer = next((other for other in lists if _is_newer(lists[other], found)), "")
        if newer:
            notes.append(f"{name} is not used: {newer} is a newer issue of this list.")
        else:
            anchors += _anchors(name, found, now, notes)
    return TrustFolder(TrustStore(anchors), tuple(notes))


def _kind(name: str) -> str:
    return Path(name).suffix.lower()


def _certificates(path: Path, notes: list[str]) -> list[Anchor]:
    try:
        data = read_bounded(str(path), limits.TRUST_LIST_SIZE_MAX_BYTES, _WAIT_MAX_S)
        as_of = int(path.stat().st_mtime)
        if _PEM_MARK in data:
            return anchors_from_pem(data, as_of)
        return [anchor_from_der(data, as_of)]
    except (Oversized, Unreadable, InvalidInput, OSError) as exc:
        notes.append(f"{path.name} is not used: {exc}")
        return []


def _listed(path: Path, roots: TrustStore, now: int, notes: list[str]) -> TrustList | None:
    try:
        data = read_bounded(str(path), limits.TRUST_LIST_SIZE_MAX_BYTES, _WAIT_MAX_S)
        return _read_list(path, data, roots, now)
    except (Oversized, Unreadable) as exc:
        notes.append(f"{path.name} is not used: {exc}")
    except CredentialError as exc:
        notes.append(f"{path.name} is not used: {exc} (rule {exc.rule})")
    return None


def _read_list(path: Path, data: bytes, roots: TrustStore, now: int) -> TrustList:
    if _kind(path.name) in VICALS:
        return read_vical(data, roots, now)
    return read_lote(data.decode("utf-8", "replace"), roots, now)


def _is_newer(one: TrustList, other: TrustList) -> bool:
    """Whether both are issues of one list, and the first the newer one."""
    newer = (one.sequence, one.issued_at) > (other.sequence, other.issued_at)
    return newer and _called(one) == _called(other)


def _called(found: TrustList) -> tuple[str, str, str, bytes]:
    root = found.signer.anchor.certificate.der
    return found.source, found.publisher, found.scheme, root


def _anchors(name: str, found: TrustList, now: int, notes: list[str]) -> tuple[Anchor, ...]:
    if found.is_stale(now):
        notes.append(f"{name} is authentic but stale: a newer one should be there by now.")
    if found.skipped:
        notes.append(f"{name} has {found.skipped} certificates that cannot be anchors.")
    if not found.anchors:
        notes.append(f"{name} is authentic, and has no anchor.")
    return found.anchors
