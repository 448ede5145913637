"""Lists over the mesh: a revocation reaches who is never online, and liars change nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p.core.records.reader import Record, Verdict
from p2p.core.trust.events import AnchorPurpose, TrustChanged, TrustForm
from p2p.crypto.record_signature import author_key_of, sign_record
from p2p.wire.record import RecordHeader, RecordKind, body_hash
from tests.core.trust.world import (
    EVIL_ISSUER,
    EVIL_STATUS,
    ISSUER,
    LIST_ROOT,
    Node,
    lote,
    node,
    status_list,
    vical,
)
from tests.credentials.pki import DAY, NOW, authority, leaf


def village() -> tuple[Node, Node, Node]:
    """Ada has been to town; Carol carries; Bob is never online. Ada and Bob pinned Utopia."""
    ada, carol, bob = node(1), node(2), node(3)
    ada.pin(ISSUER)
    bob.pin(ISSUER)
    return ada, carol, bob


def record(
    body: bytes,
    kind: int = RecordKind.STATUS_LIST,
    name: bytes = b"any",
    version: int = 1,
    seed: bytes = b"\x99" * 32,
) -> Record:
    """A record of a stranger's."""
    header = RecordHeader(
        1,
        kind,
        author_key_of(seed),
        name,
        version,
        NOW,
        NOW + DAY,
        max(1, len(body)),
        body_hash(body),
        bytes(64),
    )
    return Record(sign_record(seed, header), body)


# --- what it is for ------------------------------------------------------------------------------
def test_a_revocation_reaches_a_node_that_is_never_online() -> None:
    ada, carol, bob = village()
    data = status_list(NOW - 60)
    assert ada.import_status(data).shared
    assert ada.carry_to(carol) == ["TAKEN"]
    assert not carol.revoked(), "nothing is believed by who pinned nothing"
    assert carol.tiers() == ["stranger"]
    assert [one.commands.view(NOW).carried for one in (ada, carol)] == [0, 1]
    assert carol.carry_to(bob) == ["TAKEN"]
    assert bob.revoked()
    assert bob.tiers() == ["verified"]
    (kept,) = bob.lists()
    assert kept.author == ada.records.author.hex()
    assert bob.told[-1] == TrustChanged("status", kept.ref, kept.name, "arrived")
    bob.restart()
    assert bob.revoked()


def test_the_blob_travels_unchanged() -> None:
    ada, carol, bob = village()
    data = status_list(NOW - 60)
    ada.import_status(data)
    ada.carry_to(carol)
    carol.carry_to(bob)
    (row,) = bob.records.all(RecordKind.STATUS_LIST)
    assert bob.records.body(row.id) == data
    assert (row.key.name.hex(), row.version) == (bob.lists()[0].ref, NOW - 60)


@pytest.mark.parametrize(
    ("form", "data"), [(TrustForm.VICAL, vical()), (TrustForm.LOTE, lote())], ids=["vical", "lote"]
)
def test_a_list_of_issuers_arrives_and_opens_the_way_for_status_lists(
    form: TrustForm, data: bytes
) -> None:
    ada, bob = node(1), node(2)
    ada.pin(ISSUER)
    for one in (ada, bob):
        one.pin(LIST_ROOT, purpose=AnchorPurpose.LISTS)
    ada.import_status(status_list(NOW - 60))
    ada.carry_to(bob)
    assert not bob.revoked()
    assert ada.import_list(data, form).shared
    ada.carry_to(bob)
    assert bob.revoked(), "what was carried as a stranger's is looked at again"
    assert sorted(bob.tiers()) == ["verified", "verified"]


def test_who_pins_later_learns_from_what_it_carries() -> None:
    ada, carol, _ = village()
    ada.import_status(status_list(NOW - 60))
    ada.carry_to(carol)
    carol.pin(ISSUER)
    assert carol.revoked()
    assert carol.tiers() == ["verified"]
    carol.remove("Utopia IACA")
    assert carol.tiers() == ["stranger"]
    assert not carol.revoked()


def test_a_newer_list_takes_the_place_of_an_own_one_on_the_mesh() -> None:
    ada, _, bob = village()
    bob.import_status(status_list(NOW - 7 * DAY, revoked=99))
    ada.import_status(status_list(NOW - 60))
    ada.carry_to(bob)
    assert bob.revoked()
    assert bob.tiers() == ["verified"], "our older copy is published no more"


# --- what the person decides ---------------------------------------------------------------------
def test_what_is_private_stays_here() -> None:
    ada, carol, _ = village()
    data = status_list(NOW - 60)
    assert not ada.import_status(data, private=True).shared
    assert ada.carry_to(carol) == []
    assert ada.import_status(data).shared, "and may be given away later"
    assert ada.carry_to(carol) == ["TAKEN"]
    assert not ada.import_status(data, private=True).shared
    assert ada.tiers() == []


def test_what_is_removed_is_published_no_more() -> None:
    ada, carol, _ = village()
    ref = ada.import_status(status_list(NOW - 60)).list.ref
    ada.remove(ref)
    assert ada.carry_to(carol) == []


def test_a_list_without_room_on_the_mesh_still_counts_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ada, *_ = village()
    monkeypatch.setattr("p2p.core.records.records.RECORD_BODY_MAX_BYTES", 10)
    taken = ada.import_status(status_list(NOW - 60))
    assert (taken.new, taken.shared) == (True, False)
    assert ada.revoked()


def test_what_a_neighbour_brought_becomes_ones_own_by_importing_it() -> None:
    ada, _, bob = village()
    data = status_list(NOW - 60)
    ada.import_status(data)
    ada.carry_to(bob)
    taken = bob.import_status(data)
    assert (taken.new, taken.shared, taken.list.author) == (False, True, "")


# --- liars ---------------------------------------------------------------------------------------
def test_a_lying_relay_replays_last_weeks_list() -> None:
    ada, relay, bob = village()
    old = status_list(NOW - 7 * DAY, revoked=99)
    relay.pin(ISSUER)
    relay.import_status(old)
    ada.import_status(status_list(NOW - 60))
    ada.carry_to(bob)
    assert relay.carry_to(bob) == ["REFUSED"]
    assert bob.revoked()
    bob.restart()
    assert relay.carry_to(bob) == ["REFUSED"]
    assert bob.revoked()


def test_a_lying_relay_says_that_an_old_list_is_new() -> None:
    _, _, bob = village()
    old = status_list(NOW - 7 * DAY, revoked=99)
    name = bytes.fromhex(node_that_has(old).lists()[0].ref)
    lie = record(old, name=name, version=2**62)
    assert bob.mesh.judge(lie, NOW) is Verdict.REFUSE
    truth = record(old, name=name, version=NOW - 7 * DAY)
    assert bob.mesh.judge(truth, NOW) is Verdict.KEEP_VERIFIED
    elsewhere = record(old, name=b"another name", version=NOW - 7 * DAY)
    assert bob.mesh.judge(elsewhere, NOW) is Verdict.REFUSE


def node_that_has(data: bytes) -> Node:
    one = node(9)
    one.pin(ISSUER)
    one.import_status(data)
    return one


@pytest.mark.parametrize(
    "body",
    [
        status_list(NOW - 60)[:-8] + b"AAAAAAAA",
        b"eyJ.no.token",
        b"no token at all",
        status_list(NOW - 60, changes={"exp": NOW - 1}),
        status_list(NOW - 60, bits=3),
    ],
    ids=["forged", "jwt-like", "garbage", "expired", "three-bits"],
)
def test_what_is_false_under_our_own_anchor_is_not_passed_on(body: bytes) -> None:
    _, _, bob = village()
    assert bob.mesh.judge(record(body), NOW) is Verdict.REFUSE


def test_what_others_signed_is_carried_for_others() -> None:
    _, _, bob = village()
    strange = status_list(NOW - 60, signer=EVIL_STATUS)
    assert bob.mesh.judge(record(strange), NOW) is Verdict.KEEP
    root = authority("List root")
    signer = leaf(root, "VICAL signer", usages=("1.0.18013.5.1.8",), above=[root.cert])
    bob.pin(LIST_ROOT, purpose=AnchorPurpose.LISTS)
    own_root = record(vical(signer=signer), RecordKind.VICAL)
    assert bob.mesh.judge(own_root, NOW) is Verdict.KEEP
    assert bob.mesh.judge(record(b"anything", kind=77), NOW) is Verdict.KEEP


def test_a_record_of_a_strangers_list_changes_nothing() -> None:
    evil, _, bob = village()
    evil.pin(EVIL_ISSUER)
    evil.import_status(status_list(NOW - 60, signer=EVIL_STATUS))
    assert evil.carry_to(bob) == ["TAKEN"]
    assert not bob.revoked()
    assert bob.tiers() == ["stranger"]
    assert bob.lists() == []


def test_a_root_of_issuers_brings_no_list_by_record() -> None:
    """Naming a root by hand is a decision; a record is none."""
    ada, bob = node(1), node(2)
    ada.pin(LIST_ROOT)
    ada.import_list(vical(), root="all")
    bob.pin(LIST_ROOT)
    ada.carry_to(bob)
    assert bob.lists() == []


def test_many_authors_of_one_list_are_strangers_beside_the_first() -> None:
    ada, _, bob = village()
    data = status_list(NOW - 60)
    ada.import_status(data)
    ada.carry_to(bob)
    for number in range(20, 25):
        copier = node(number)
        copier.pin(ISSUER)
        copier.import_status(data)
        copier.carry_to(bob)
    assert bob.tiers().count("verified") == 1


def test_a_node_without_room_says_so_and_keeps_what_it_had(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ada, _, bob = village()
    bob.import_status(status_list(NOW - 60, uri="https://status.example/8"))
    monkeypatch.setattr("p2p.core.trust.statuses.STATUS_LISTS_MAX", 1)
    ada.import_status(status_list(NOW - 60))
    ada.carry_to(bob)
    assert [one.name for one in bob.lists()] == ["https://status.example/8"]
    assert any(getattr(one, "kind", "") == "list-not-taken" for one in bob.effects)


@given(st.binary(max_size=600), st.sampled_from([1, 2, 3]), st.booleans())
def test_any_body_gets_a_verdict(body: bytes, kind: int, jwt: bool) -> None:
    data = (b"e" if jwt else b"") + body
    assert JUDGE.mesh.judge(record(data, kind), NOW) in (Verdict.KEEP, Verdict.REFUSE)


JUDGE = node(7)
JUDGE.pin(ISSUER)
JUDGE.pin(LIST_ROOT, purpose=AnchorPurpose.LISTS)
