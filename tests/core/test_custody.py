"""Quotas, eviction, expiry, tombstones: what is kept for whom."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from p2p.adapters.memory_store import MemoryStore
from p2p.core.config import CustodyConfig
from p2p.core.custody import Custody
from p2p.ports.store import CustodyRow, Tier
from p2p.wire.frames import RefusalReason
from p2p.wire.ids import EnvelopeId, PeerId, Tag

MALLORY, ALICE = PeerId("mallory"), PeerId("alice")


def row(
    number: int,
    *,
    tier: Tier = Tier.STRANGER,
    depositor: PeerId = ALICE,
    size_bytes: int = 256,
    expires_s: float = 1_000.0,
    received_s: float = 0.0,
    tag: int | None = None,
) -> CustodyRow:
    name = number.to_bytes(16, "big")
    hash_ = name if tag is None else tag.to_bytes(16, "big")
    return CustodyRow(
        id=EnvelopeId(name * 2),
        tag=Tag(hash_),
        commitment=Tag(b"c" + name[1:]),
        size_bytes=size_bytes,
        expires_s=expires_s,
        tier=tier,
        depositor=depositor,
        copies=4,
        hops=1,
        received_s=received_s,
    )


@pytest.fixture
def store() -> Iterator[MemoryStore]:
    store = MemoryStore()
    with store.transaction():
        yield store


def custody(store: MemoryStore, **config: int) -> Custody:
    return Custody(store, CustodyConfig(**config))  # type: ignore[arg-type]


def keep(kept: Custody, one: CustodyRow) -> list[EnvelopeId]:
    return [dropped.row.id for dropped in kept.add(one, bytes(one.size_bytes))]


def test_what_is_kept_is_found_by_tag_and_by_commitment_and_survives_a_restart(
    store: MemoryStore,
) -> None:
    one = row(1)
    keep(custody(store), one)
    again = custody(store)
    assert again.matching(one.tag) == [one]
    assert again.matching(one.commitment) == [one]
    assert again.data(one.id) == bytes(256)
    assert again.carried_for_others() == (1, 256)


def test_own_mail_leaves_first_then_contacts_then_strangers_smallest_first(
    store: MemoryStore,
) -> None:
    kept = custody(store)
    for one in (
        row(1, size_bytes=512),
        row(2),
        row(3, tier=Tier.CONTACT),
        row(4, tier=Tier.OWN, size_bytes=1024),
    ):
        keep(kept, one)
    assert kept.in_order_of_transfer() == tuple(row(n).id for n in (4, 3, 2, 1))


def test_a_fifth_envelope_of_one_tag_is_refused(store: MemoryStore) -> None:
    kept = custody(store)
    for number in range(4):
        keep(kept, row(number, tag=99))
    tag = row(0, tag=99).tag
    assert kept.refusal(tag, 256, Tier.STRANGER, ALICE) is RefusalReason.TAG_CROWDED


def test_one_of_a_tag_may_go_and_the_others_stay(store: MemoryStore) -> None:
    kept = custody(store)
    for number in (1, 2):
        keep(kept, row(number, tag=99))
    kept.finish(row(1).id, "evicted")
    assert [found.id for found in kept.matching(row(1, tag=99).tag)] == [row(2).id]


def test_a_flooder_fills_its_own_quota_and_no_more(store: MemoryStore) -> None:
    kept = custody(store, strangers_max_bytes=4096, depositor_max_bytes=1024)
    for number in range(4):
        keep(kept, row(number, depositor=MALLORY))
    fresh = row(99).tag
    assert kept.refusal(fresh, 256, Tier.STRANGER, MALLORY) is RefusalReason.FULL
    assert kept.refusal(fresh, 256, Tier.STRANGER, ALICE) is None


def test_when_full_whoever_fills_most_loses_its_heaviest(store: MemoryStore) -> None:
    kept = custody(store, strangers_max_bytes=2048, depositor_max_bytes=2048)
    keep(kept, row(1, depositor=ALICE, received_s=0.0))
    for number in range(2, 9):
        keep(kept, row(number, depositor=MALLORY, received_s=float(number)))
    evicted = keep(kept, row(9, depositor=ALICE, received_s=100.0))
    assert evicted == [row(2).id]
    assert row(1).id in kept
    assert kept.finished(row(2).id)


def test_strangers_never_displace_own_or_contacts_mail(store: MemoryStore) -> None:
    kept = custody(store, strangers_max_bytes=512, strangers_max_count=2)
    keep(kept, row(1, tier=Tier.OWN))
    keep(kept, row(2, tier=Tier.CONTACT))
    for number in range(3, 20):
        keep(kept, row(number, received_s=float(number)))
    assert row(1).id in kept
    assert row(2).id in kept
    assert kept.carried_for_others() == (3, 768)


def test_contacts_have_a_quota_too(store: MemoryStore) -> None:
    kept = custody(store, contacts_max_bytes=256)
    keep(kept, row(1, tier=Tier.CONTACT))
    refusal = kept.refusal(row(2).tag, 256, Tier.CONTACT, ALICE)
    assert refusal is RefusalReason.FULL


def test_envelopes_over_their_time_are_dropped_and_counted_out(store: MemoryStore) -> None:
    kept = custody(store)
    keep(kept, row(1, expires_s=10.0))
    keep(kept, row(2, expires_s=20.0))
    assert kept.next_expiry() == 10.0
    assert [(d.row.id, d.why) for d in kept.expire(10.0)] == [(row(1).id, "expired")]
    assert kept.carried_for_others() == (1, 256)
    assert kept.matching(row(1).tag) == []


def test_a_finished_envelope_is_remembered_until_its_expiry(store: MemoryStore) -> None:
    kept = custody(store)
    keep(kept, row(1, expires_s=10.0))
    kept.finish(row(1).id, "proven")
    assert kept.finish(row(1).id, "proven") is None
    assert custody(store).finished(row(1).id)
    kept.forget_tombstones(10.0)
    assert not kept.finished(row(1).id)


def test_tombstones_are_bounded(store: MemoryStore) -> None:
    kept = custody(store, tombstones_max=2)
    for number in range(3):
        kept.bury(row(number).id, 10.0)
    assert [kept.finished(row(n).id) for n in range(3)] == [False, True, True]


def test_copies_change_here_and_in_the_store(store: MemoryStore) -> None:
    kept = custody(store)
    keep(kept, row(1))
    kept.set_copies(row(1).id, 2)
    kept.set_copies(row(7).id, 2)
    reloaded = custody(store).row(row(1).id)
    assert reloaded is not None
    assert reloaded.copies == 2
