"""Names of lists: the same on every node, so that copies of one list meet.

A name says who may sign the list and what it is about, hashed to 32 bytes. A list under another
root, or about something else, is another list and cannot replace it.
"""

from __future__ import annotations

import hashlib
from typing import Final

from p2p.core.trust.events import TrustForm
from p2p.credentials.rules import SHAPE, Rule, refused
from p2p.credentials.signed_first import signed_part
from p2p.credentials.status_book import scope_of
from p2p.credentials.status_list import StatusList
from p2p.credentials.trust_lists import TrustList

NAME_SIZE_BYTES: Final = 32
VERSION_MAX: Final = 2**63 - 1
LIST_ROLLBACK: Final = Rule(
    "list-rollback", 14, "A trust list is not older than one that was already seen."
)


def list_name(form: TrustForm, found: TrustList) -> bytes:
    """Give the name of a list of issuers."""
    root = hashlib.sha256(found.signer.anchor.certificate.der).hexdigest()
    return _name(form.value, root, found.publisher, found.scheme)


def status_name(found: StatusList) -> bytes:
    """Give the name of a status list."""
    return memory_name(f"{scope_of(found.signer)} {found.uri}")


def memory_name(key: str) -> bytes:
    """Give the name of the status list that a :class:`StatusBook` calls ``key``."""
    return _name(TrustForm.STATUS.value, key)


def version_of(sequence: int, issued_s: int) -> int:
    """Give the number by which issues of one list are ordered: its sequence, else its time.

    Raises:
        CredentialError: rule ``shape``: no number of this protocol.
    """
    version = sequence or issued_s
    if not 0 <= version <= VERSION_MAX:
        raise refused(SHAPE, "A list has a sequence or a time that is out of bounds.")
    return version


def rank(data: bytes) -> tuple[bytes, int, bytes]:
    """What orders authentic copies of one issue: every node keeps the one with the lowest rank.

    First comes what was signed, which only the signer can vary. Of copies that differ in what no
    signature covers (an unprotected header, blanks) the shortest stays: whoever passes a list on
    can make it longer and no shorter.
    """
    signed_hash = hashlib.sha256(signed_part(data)).digest()
    return signed_hash, len(data), hashlib.sha256(data).digest()


def _name(*parts: str) -> bytes:
    """Hash texts with their lengths, so that no two tuples of texts read the same."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.digest()
