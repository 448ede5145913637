"""Delivery proofs: held back, released, bounded, forgotten."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from p2p.adapters.memory_store import MemoryStore
from p2p.core.config import CustodyConfig
from p2p.core.proofs import Proofs
from p2p.ports.store import ProofRow
from p2p.wire.ids import PeerId, Proof, tag_of


@pytest.fixture
def store() -> Iterator[MemoryStore]:
    store = MemoryStore()
    with store.transaction():
        yield store


def row(number: int, expires_s: float = 100.0) -> ProofRow:
    proof = Proof(number.to_bytes(32, "big"))
    return ProofRow(tag_of(proof), proof, expires_s)


def test_a_proof_is_told_only_after_its_delay_and_once(store: MemoryStore) -> None:
    proofs = Proofs(store, CustodyConfig())
    proofs.learn(row(1), 5.0, matched=True)
    proofs.learn(row(2), 3.0, matched=True)
    proofs.learn(row(2), 1.0, matched=True)
    assert proofs.next_release() == 3.0
    assert proofs.release(2.0) == []
    assert [h for h, _ in proofs.release(5.0)] == [row(2).hash, row(1).hash]
    assert proofs.release(9.0) == []
    assert proofs.released() == [row(2).hash, row(1).hash]


def test_proofs_of_one_second_are_told_together(store: MemoryStore) -> None:
    proofs = Proofs(store, CustodyConfig())
    for number, release_s in enumerate((7.1, 7.9, 7.5, 8.2)):
        proofs.learn(row(number), release_s, matched=True)
    assert len(proofs.waiting()) == 4
    assert proofs.next_release() == 8.0
    assert len(proofs.release(8.0)) == 3
    assert proofs.waiting() == [row(3).proof]


def test_who_tells_a_proof_that_still_waits_is_not_told_it(store: MemoryStore) -> None:
    proofs = Proofs(store, CustodyConfig())
    first, second, third = (PeerId(name) for name in "abc")
    proofs.learn(row(1), 3.0, matched=True, knows=first)
    proofs.learn(row(2), 4.0, matched=True, knows=first)
    assert proofs.heard([row(1).proof, row(1).proof], second) == []
    assert proofs.release(3.0) == [(row(1).hash, (first, second))]
    assert proofs.heard([row(1).proof], third) == []
    assert proofs.release(4.0) == [(row(2).hash, (first,))]
    assert proofs.untold(0, first) == []
    assert proofs.untold(0, third) == [row(1).hash, row(2).hash]


def test_a_proof_that_was_forgotten_while_it_waited_is_told_once(store: MemoryStore) -> None:
    proofs = Proofs(store, CustodyConfig(proofs_max=1))
    for number in (1, 2, 1):
        proofs.learn(row(number), 3.0, matched=True, knows=PeerId("a"))
    assert proofs.release(3.0) == [(row(1).hash, (PeerId("a"),))]


def test_proofs_survive_a_restart_and_are_told_then(store: MemoryStore) -> None:
    Proofs(store, CustodyConfig()).learn(row(1), 5.0, matched=True)
    again = Proofs(store, CustodyConfig())
    assert again.released() == [row(1).hash]
    assert again.opening([row(1).hash]) == [row(1).proof]
    assert row(1).hash in again
    assert len(again) == 1


def test_made_up_proofs_push_out_only_each_other(store: MemoryStore) -> None:
    proofs = Proofs(store, CustodyConfig(proofs_unmatched_max=2))
    proofs.learn(row(1), 0.0, matched=True)
    for number in range(2, 10):
        proofs.learn(row(number), 0.0, matched=False)
    assert row(1).hash in proofs
    assert len(proofs) == 3


def test_all_proofs_together_are_bounded(store: MemoryStore) -> None:
    proofs = Proofs(store, CustodyConfig(proofs_max=2))
    for number in range(5):
        proofs.learn(row(number), 0.0, matched=True)
    assert len(proofs) == 2
    assert {h for h, _ in proofs.release(1.0)} == {row(3).hash, row(4).hash}


def test_proofs_are_forgotten_with_their_envelopes(store: MemoryStore) -> None:
    proofs = Proofs(store, CustodyConfig())
    proofs.learn(row(1, expires_s=10.0), 0.0, matched=True)
    proofs.learn(row(2, expires_s=20.0), 0.0, matched=False)
    proofs.expire(10.0)
    assert proofs.opening([row(1).hash, row(2).hash]) == [row(2).proof]
    assert [r.hash for r in store.proofs()] == [row(2).hash]


def test_a_proof_is_unknown_again_once_it_is_forgotten(store: MemoryStore) -> None:
    Proofs(store, CustodyConfig()).learn(row(1, expires_s=10.0), 0.0, matched=True)
    proofs = Proofs(store, CustodyConfig())
    proofs.learn(row(2, expires_s=20.0), 0.0, matched=True)
    told = [row(number).proof for number in (3, 1, 2, 4)]
    assert proofs.heard(told, PeerId("b")) == [row(3).proof, row(4).proof]
    proofs.expire(10.0)
    assert proofs.heard(told, PeerId("b")) == [row(3).proof, row(1).proof, row(4).proof]
