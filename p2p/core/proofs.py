"""Delivery proofs: which are known, and which may be told to neighbours by now.

A proof that became known here, whether we opened the envelope or only heard, leaves after a random
delay, together with all others of that second: neighbours cannot tell which of the two it was.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from p2p.core.config import CustodyConfig
from p2p.ports.store import CustodyStore, ProofRow
from p2p.wire.ids import PeerId, Proof, Tag

NOBODY: Final = PeerId("")
NO_PROOF: Final = Tag(b"")


class Released(Struct, frozen=True):
    """What is known of a proof that may be told: its number, and the first peer that told it."""

    number: int
    giver: PeerId


class Proofs:
    """All proofs at this node. Loads itself from the store; what was waiting is released."""

    def __init__(self, store: CustodyStore, config: CustodyConfig) -> None:
        self._store = store
        self._config = config
        self._known: dict[Tag, ProofRow] = {row.hash: row for row in store.proofs()}
        self._released = {h: Released(n, NOBODY) for n, h in enumerate(self._known, start=1)}
        self._newest = len(self._released)
        self._waiting: list[tuple[float, Tag]] = []
        self._givers: dict[Tag, dict[PeerId, None]] = {}
        self._expiries = [(row.expires_s, hash_) for hash_, row in self._known.items()]
        heapq.heapify(self._expiries)
        self._unmatched: dict[Tag, None] = {}
        self._hashes: dict[bytes, Tag] = {row.proof: h for h, row in self._known.items()}

    def __contains__(self, hash_: Tag) -> bool:
        return hash_ in self._known

    def __len__(self) -> int:
        return len(self._known)

    def heard(self, proofs: Sequence[bytes], giver: PeerId) -> list[Proof]:
        """Note that a peer has some proofs; give those that are not known here.

        Most that neighbours tell are, and these are found by their bytes, without a hash for each.
        """
        hashes = self._hashes
        for proof in proofs if self._givers else ():
            givers = self._givers.get(hashes.get(proof, NO_PROOF))
            if givers is not None:
                givers[giver] = None
        return [Proof(proof) for proof in proofs if proof not in hashes]

    def opening(self, hashes: Iterable[Tag]) -> list[Proof]:
        """Give the proofs that open some hashes, of those that are known here."""
        known = self._known
        return [known[hash_].proof for hash_ in hashes if hash_ in known]

    def learn(
        self, row: ProofRow, release_s: float, *, matched: bool, knows: PeerId = NOBODY
    ) -> None:
        """Remember a proof, to be told from the first whole second at or after ``release_s`` on.

        ``matched`` says that its envelope was here; proofs of others are fewer.
        """
        if row.hash in self._known:
            return
        self._known[row.hash] = row
        self._givers[row.hash] = {knows: None}
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

    def release(self, now_s: float) -> list[tuple[Tag, tuple[PeerId, ...]]]:
        """Give the hashes whose proofs may be told from now on, with the peers that told each."""
        due: list[tuple[Tag, tuple[PeerId, ...]]] = []
        while self._waiting and self._waiting[0][0] <= now_s:
            _, hash_ = heapq.heappop(self._waiting)
            givers = tuple(self._givers.pop(hash_, ()))
            if givers:
                self._newest += 1
                self._released[hash_] = Released(self._newest, givers[0])
                due.append((hash_, givers))
        return due

    def waiting(self) -> list[Proof]:
        """Give the proofs that may not be told yet, in the order of their time."""
        return [
            row.proof
            for _, hash_ in sorted(self._waiting)
            if (row := self._known.get(hash_)) is not None
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
        first, but of those none that this peer told first.
        """
        found: list[Tag] = []
        for hash_, released in reversed(self._released.items()):
            if released.number <= after:
                break
            if peer != released.giver:
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
            row = self._known.get(hash_)
            if row is not None and row.expires_s <= now_s:
                self._forget(hash_)

    def _forget(self, hash_: Tag) -> None:
        row = self._known.pop(hash_, None)
        if row is not None:
            self._hashes.pop(row.proof, None)
        self._givers.pop(hash_, None)
        self._released.pop(hash_, None)
        self._unmatched.pop(hash_, None)
        self._store.delete_proof(hash_)
