"""Delivery proofs: which are known, and which may be told to neighbours by now.

A proof that became known here, whether we opened the envelope or only heard, leaves after a random
delay, together with all others of that second: neighbours cannot tell which of the two it was.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from p2p.core.config import CustodyConfig
from p2p.ports.store import CustodyStore, ProofRow
from p2p.wire.ids import PeerId, Proof, Tag

NOBODY: Final = PeerId("")


@dataclass(frozen=True, slots=True)
class Known:
    """A proof, and a peer that has it."""

    row: ProofRow
    knows: PeerId


class Proofs:
    """All proofs at this node. Loads itself from the store; what was waiting is released."""

    def __init__(self, store: CustodyStore, config: CustodyConfig) -> None:
        self._store = store
        self._config = config
        self._known: dict[Tag, Known] = {row.hash: Known(row, NOBODY) for row in store.proofs()}
        self._released: dict[Tag, int] = {h: n for n, h in enumerate(self._known, start=1)}
        self._newest = len(self._released)
        self._waiting: list[tuple[float, Tag]] = []
        self._expiries = [(row.row.expires_s, hash_) for hash_, row in self._known.items()]
        heapq.heapify(self._expiries)
        self._unmatched: dict[Tag, None] = {}
        self._hashes: dict[bytes, Tag] = {known.row.proof: h for h, known in self._known.items()}

    def __contains__(self, hash_: Tag) -> bool:
        return hash_ in self._known

    def __len__(self) -> int:
        return len(self._known)

    def unknown(self, proofs: Iterable[bytes]) -> list[Proof]:
        """Give those proofs that are not known here; most that neighbours tell are, and these
        are found by their bytes, without a hash for each.
        """
        known = self._hashes
        return [Proof(proof) for proof in proofs if proof not in known]

    def opening(self, hashes: Iterable[Tag]) -> list[Proof]:
        """Give the proofs that open some hashes, of those that are known here."""
        known = self._known
        return [known[hash_].row.proof for hash_ in hashes if hash_ in known]

    def learn(
        self, row: ProofRow, release_s: float, *, matched: bool, knows: PeerId = NOBODY
    ) -> None:
        """Remember a proof, to be told from the first whole second at or after ``release_s`` on.

        ``matched`` says that its envelope was here; proofs of others are fewer.
        """
        if row.hash in self._known:
            return
        self._known[row.hash] = Known(row, knows)
        self._hashes[row.proof] = row.hash
        heapq.heappush(self._waiting, (float(math.ceil(release_s)), row.hash))
        heapq.heappush(self._expiries, (row.expires_s, row.hash))
        self._store.add_proof(row)
        if not matched:
            self._unmatched[row.hash] = None
            if len(self._unmatched) > self._config.proofs_unmatched_max:
                self._forget(next(iter(self._unmatched)))
        if len(self._known) > self._config.proofs_max:
            self._forget(next(iter(self._known)))

    def release(self, now_s: float) -> list[tuple[Tag, PeerId]]:
        """Give the hashes whose proofs may be told from now on, with a peer that knows each."""
        due: list[tuple[Tag, PeerId]] = []
        while self._waiting and self._waiting[0][0] <= now_s:
            _, hash_ = heapq.heappop(self._waiting)
            known = self._known.get(hash_)
            if known is not None:
                self._newest += 1
                self._released[hash_] = self._newest
                due.append((hash_, known.knows))
        return due

    def waiting(self) -> list[Proof]:
        """Give the proofs that may not be told yet, in the order of their time."""
        return [
            known.row.proof
            for _, hash_ in sorted(self._waiting)
            if (known := self._known.get(hash_)) is not None
        ]

    def released(self) -> list[Tag]:
        """Give the hashes of all proofs that may be told, oldest first."""
        return list(self._released)

    @property
    def newest(self) -> int:
        """The number of the latest proof that may be told; they are numbered from 1."""
        return self._newest

    def untold(self, after: int, peer: PeerId) -> list[Tag]:
        """Give the hashes of proofs that may be told and have a number above ``after``, oldest
        first, but of those none that came from this peer.
        """
        found: list[Tag] = []
        for hash_, number in reversed(self._released.items()):
            if number <= after:
                break
            if self._known[hash_].knows != peer:
                found.append(hash_)
        found.reverse()
        return found

    def next_release(self) -> float | None:
        """Give when the next proof may be told (Unix s)."""
        return self._waiting[0][0] if self._waiting else None

    def expire(self, now_s: float) -> None:
        """Forget proofs of envelopes that nobody may carry any more."""
        while self._expiries and self._expiries[0][0] <= now_s:
            _, hash_ = heapq.heappop(self._expiries)
            known = self._known.get(hash_)
            if known is not None and known.row.expires_s <= now_s:
                self._forget(hash_)

    def _forget(self, hash_: Tag) -> None:
        known = self._known.pop(hash_, None)
        if known is not None:
            self._hashes.pop(known.row.proof, None)
        self._released.pop(hash_, None)
        self._unmatched.pop(hash_, None)
        self._store.delete_proof(hash_)
