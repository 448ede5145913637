"""One letter from nobody: sealed to a one-time bundle by an account that is forgotten at once.

Who shows a credential at a counter should not show his account as well: it would be the same at
every counter, and undo what single-use copies of a credential are for. The recipient opens it as
any first contact; there is no way to write back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from p2p.ports.entropy import Entropy
from p2p.ports.store import DocumentKind
from p2p.sessions.identity import DeviceIdentity, make_identity

_SEED_BYTES: Final = 32


class ForgottenStore:
    """A document store that dies with the letter; :class:`p2p.ports.store.DocumentStore`."""

    def __init__(self) -> None:
        self._values: dict[tuple[DocumentKind, bytes], bytes] = {}

    def put_document(self, kind: DocumentKind, key: bytes, value: bytes) -> None:
        """Keep ``value`` for now."""
        self._values[kind, key] = value

    def delete_document(self, kind: DocumentKind, key: bytes) -> None:
        """Forget the document."""
        self._values.pop((kind, key), None)

    def document(self, kind: DocumentKind, key: bytes) -> bytes | None:
        """Give one document, or None."""
        return self._values.get((kind, key))

    def documents(self, kind: DocumentKind) -> Iterator[tuple[bytes, bytes]]:
        """Give all documents of a kind in the order of their keys."""
        return iter(sorted((key, value) for (of, key), value in self._values.items() if of is kind))


def passing_identity(entropy: Entropy, now_s: float) -> DeviceIdentity:
    """Give an identity with fresh seeds, certified on the day: it says nothing about its maker."""
    day_s = int(now_s) // 86_400 * 86_400
    return make_identity(
        entropy.random_bytes(_SEED_BYTES), entropy.random_bytes(_SEED_BYTES), day_s
    )
