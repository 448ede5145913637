"""Trust at its edges: a clock set back, room that runs out, documents that were damaged."""

from __future__ import annotations

import json
from functools import partial

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p.core.config import TrustConfig
from p2p.core.saved_clock import save_clock
from p2p.core.trust.events import AnchorPurpose, Standing, TrustForm
from p2p.core.trust.floor import SHIPPED
from p2p.core.trust.trust import CLOCK_SLACK_S
from p2p.errors import CredentialError, StoreDamaged, VersionUnsupported
from p2p.ports.store import DocumentKind
from tests.core.trust.world import (
    EVIL_STATUS,
    ISSUER,
    LIST_ROOT,
    STATUS,
    STATUS_USAGE,
    Node,
    credential,
    lote,
    node,
    refusal,
    status_list,
    verdict,
    vical,
)
from tests.credentials.issuer import StatusToken
from tests.credentials.pki import DAY, NOW, authority, leaf


# --- names ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("size", [2_048, 2_049])
def test_a_name_that_could_not_be_kept_is_refused(size: int) -> None:
    """A signer whom we trust could fill a list with its name; the node could not start then."""
    here = node()
    here.pin(ISSUER)
    here.pin(LIST_ROOT, purpose=AnchorPurpose.LISTS)
    name = "x" * size
    imports = (
        lambda: here.import_status(status_list(uri=name)),
        lambda: here.import_list(lote(SchemeOperatorName=[{"value": name}]), TrustForm.LOTE),
        lambda: here.import_list(vical(vicalProvider=name)),
    )
    for take in imports:
        if size == 2_049:
            assert refusal(take) == "length"
        else:
            take()
    here.restart()
    assert [one.name for one in here.lists()] == ([] if size == 2_049 else [name] * 3)


# --- what no signature covers --------------------------------------------------------------------
def made(form: TrustForm) -> bytes:
    """A list in a form that has parts under no signature."""
    if form is TrustForm.STATUS:
        return StatusToken(STATUS, {7: 1}, issued_at=NOW - 3_600).cwt()
    return lote() if form is TrustForm.LOTE else vical()


def longer(form: TrustForm, data: bytes, number: int) -> bytes:
    """A copy that somebody made longer on its way; the number varies its hash."""
    junk = number.to_bytes(2, "big") + bytes(10_000)
    if form is TrustForm.LOTE:
        names = ("protected", "payload", "signature")
        parts = dict(zip(names, data.decode().split("."), strict=True))
        return json.dumps(parts | {"header": {"x": junk.hex()}}).encode()
    found = cbor2.loads(data)
    head, loose, *rest = found.value if form is TrustForm.STATUS else found
    message = [head, {**loose, 99: junk}, *rest]
    return cbor2.dumps(cbor2.CBORTag(18, message) if form is TrustForm.STATUS else message)


@pytest.mark.parametrize("form", list(TrustForm))
def test_nobody_makes_a_list_longer_on_its_way(form: TrustForm) -> None:
    """It took every node's room for lists: of two copies the smaller hash stayed."""
    here, liar = node(), node(1)
    for one in (here, liar):
        one.pin(ISSUER)
        one.pin(LIST_ROOT, purpose=AnchorPurpose.LISTS)

    def take(where: Node, data: bytes) -> bool:
        if form is TrustForm.STATUS:
            return where.import_status(data).new
        return where.import_list(data, form).new

    data = made(form)
    assert take(here, data)
    assert not any(take(here, longer(form, data, number)) for number in range(8))
    assert take(liar, longer(form, data, 1))
    assert liar.carry_to(here) == ["REFUSED"]
    assert here.carry_to(liar) == ["TAKEN"]
    assert [one.lists()[0].size_bytes for one in (here, liar)] == [len(data)] * 2


# --- who may judge whom --------------------------------------------------------------------------
def test_a_signer_that_a_list_brings_judges_only_its_own_country() -> None:
    """One that a person pinned judges everybody; a list's publisher could so un-revoke all."""
    for by_hand in (False, True):
        here = node()
        here.pin(ISSUER)
        here.pin(LIST_ROOT, purpose=AnchorPurpose.LISTS)
        here.import_status(status_list(NOW - 3_600, revoked=7))
        foreign = leaf(authority(country="FR"), country="FR", usages=(STATUS_USAGE,))
        if by_hand:
            here.pin(foreign)
        else:
            here.import_list(lote(party=foreign), TrustForm.LOTE)
        here.import_status(status_list(NOW - 60, revoked=8, signer=foreign))
        assert len(here.lists(TrustForm.STATUS)) == 2
        if by_hand:
            assert verdict(here, credential(7)).status.state.value == "valid"
        else:
            assert refusal(lambda here=here: verdict(here, credential(7))) == "status-revoked"


@pytest.mark.parametrize("authority_too", [True, False])
def test_what_proves_nothing_judges_only_what_proves_nothing(authority_too: bool) -> None:
    here = node()
    here.pin(ISSUER)
    here.import_status(status_list(NOW - 3_600, revoked=7))
    root = authority("A test of the same country")
    signer = leaf(root, usages=(STATUS_USAGE,))
    here.pin(root if authority_too else signer, test=True)
    here.import_status(status_list(NOW - 60, revoked=8, signer=signer))
    assert refusal(lambda: verdict(here, credential(7))) == "status-revoked"
    here.restart()
    assert refusal(lambda: verdict(here, credential(7))) == "status-revoked"
    assert len(here.lists(TrustForm.STATUS)) == 2


# --- the clock -----------------------------------------------------------------------------------
def test_a_clock_before_the_release_is_doubtful() -> None:
    here = node()
    here.pin(ISSUER)
    here.now_s = SHIPPED.released_s - CLOCK_SLACK_S - 1.0
    assert here.trust.clock(here.now_s).doubtful
    assert here.trust.clock(here.now_s).floor_from == "release"
    assert refusal(lambda: verdict(here, credential(3))) == "clock"
    assert not here.trust.clock(here.now_s + 1).doubtful


def test_a_clock_set_back_behind_what_an_issuer_signed_is_doubtful() -> None:
    here = node()
    here.pin(ISSUER)
    here.import_status(status_list(NOW - 3_600))
    here.restart()
    here.now_s = NOW - 7_200.0
    clock = here.trust.clock(here.now_s)
    assert (clock.doubtful, clock.floor_from, clock.floor_s) == (True, "signed", NOW - 3_600)
    assert refusal(lambda: verdict(here, credential(3))) == "clock"


@pytest.mark.parametrize("form", [TrustForm.STATUS, TrustForm.VICAL])
def test_a_test_does_not_decide_what_time_it_is(form: TrustForm) -> None:
    """One list of a test from the future had every credential refused."""
    here = node()
    here.pin(ISSUER)
    root = authority("A test")
    usage = STATUS_USAGE if form is TrustForm.STATUS else "1.0.18013.5.1.8"
    signer = leaf(root, usages=(usage,), days=(-100, 2_000))
    here.pin(root, test=True, purpose=AnchorPurpose.BOTH)
    far = NOW + 300 * DAY
    if form is TrustForm.STATUS:
        data = StatusToken(signer, {}, issued_at=far, changes={"exp": far + DAY}).jwt()
        assert here.import_status(data).list.test
    else:
        assert here.import_list(vical(issued_s=far, signer=signer)).list.test
    assert not here.trust.clock(here.now_s).doubtful
    here.restart()
    assert not here.trust.clock(here.now_s).doubtful


def test_an_authentic_list_from_the_future_says_that_our_clock_is_behind() -> None:
    here = node()
    here.pin(ISSUER)
    taken = here.import_status(status_list(NOW + 7_200, changes={"exp": NOW + 9 * DAY}))
    assert taken.clock.doubtful
    assert refusal(lambda: verdict(here, credential(3))) == "clock"
    here.restart()
    assert here.trust.clock(NOW).doubtful
    here.remove("Utopia IACA")  # the way out, where the issuer was wrong
    assert not here.trust.clock(NOW).doubtful


def test_a_list_from_the_future_that_is_not_authentic_says_nothing() -> None:
    here = node()
    here.pin(ISSUER)
    with pytest.raises(CredentialError):
        here.import_status(status_list(NOW + 7_200, signer=EVIL_STATUS))
    assert not here.trust.clock(NOW).doubtful


def test_a_clock_behind_the_last_run_is_doubtful() -> None:
    here = node()
    with here.store.transaction():
        save_clock(here.store, NOW + 300.0)
    clock = here.trust.clock(NOW)
    assert (clock.doubtful, clock.floor_from) == (True, "saved")
    assert not here.trust.clock(NOW + 300 - CLOCK_SLACK_S).doubtful


# --- bounds and damage ---------------------------------------------------------------------------
def test_lists_are_bounded_and_make_room_where_they_no_longer_count() -> None:
    one = status_list(NOW - 60)
    here = node(config=TrustConfig(lists_max_bytes=len(one) + 600))
    here.pin(ISSUER)
    here.import_status(one)
    other = status_list(NOW - 60, uri="https://status.example/8")
    assert refusal(lambda: here.import_status(other)) == "length"
    assert here.import_status(status_list(NOW - 30)).new
    here.now_s = NOW + 2 * DAY
    later = status_list(NOW + DAY, uri="https://status.example/8", changes={"exp": NOW + 9 * DAY})
    assert here.import_status(later).new
    assert [one.name for one in here.lists()] == ["https://status.example/8"]


def test_the_book_has_places_for_so_many_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("p2p.core.trust.statuses.STATUS_LISTS_MAX", 1)
    here = node()
    here.pin(ISSUER)
    here.import_status(status_list(NOW - 60))
    other = status_list(NOW - 60, uri="https://status.example/8")
    assert refusal(lambda: here.import_status(other)) == "length"
    assert here.import_status(status_list(NOW - 30)).new


@pytest.mark.parametrize("narrow", ["places", "bytes"])
def test_tests_make_room_for_what_counts_and_never_the_other_way(
    monkeypatch: pytest.MonkeyPatch, narrow: str
) -> None:
    """Whoever made a test believed could fill the room with lists that prove nothing."""
    if narrow == "places":
        monkeypatch.setattr("p2p.core.trust.statuses.STATUS_LISTS_MAX", 1)
    one = status_list(NOW - 60)
    here = node(config=TrustConfig(lists_max_bytes=len(one) + 600))
    here.pin(ISSUER)
    root = authority("A test")
    here.pin(root, test=True)
    test = status_list(NOW - 60, signer=leaf(root, usages=(STATUS_USAGE,)))
    assert here.import_status(test).new
    assert here.import_status(one).new
    assert [found.test for found in here.lists()] == [False]
    assert refusal(lambda: here.import_status(test)) == "length"
    assert len(here.trust.status_book()) == 1


def test_a_list_larger_than_any_record_is_refused() -> None:
    here = node()
    here.pin(ISSUER)
    assert refusal(lambda: here.import_status(b"e" * (4 * 1_048_576 + 1))) == "length"


def test_memory_of_what_was_seen_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("p2p.core.trust.documents.SEEN_MAX", 2)
    here = node()
    here.pin(ISSUER)
    for number in range(3):
        uri = f"https://status.example/{number}"
        ref = here.import_status(status_list(NOW - 60 + number, uri=uri)).list.ref
        here.remove(ref)
    again = status_list(NOW - 61, uri="https://status.example/0")
    assert here.import_status(again).new, "the longest unseen has made room"
    last = status_list(NOW - 61, uri="https://status.example/2")
    assert refusal(lambda: here.import_status(last)) == "status-rollback"


def documents(here: Node) -> list[tuple[bytes, bytes]]:
    return list(here.store.documents(DocumentKind.TRUST))


@pytest.mark.parametrize("prefix", [b"anchor/", b"list/", b"seen/"])
@pytest.mark.parametrize("damage", ["cut", "other"])
def test_a_damaged_document_is_told_of(prefix: bytes, damage: str) -> None:
    here = node()
    here.pin(ISSUER)
    here.import_status(status_list())
    key, value = next(one for one in documents(here) if one[0].startswith(prefix))
    with here.store.transaction():
        changed = value[:-1] if damage == "cut" else b"\xc0"
        here.store.put_document(DocumentKind.TRUST, key, changed)
    with pytest.raises(StoreDamaged):
        here.restart()


def test_a_document_of_a_newer_molva_is_left_alone() -> None:
    here = node()
    here.pin(ISSUER)
    ((key, value),) = documents(here)
    with here.store.transaction():
        here.store.put_document(DocumentKind.TRUST, key, value[:1] + b"\x02" + value[2:])
    with pytest.raises(VersionUnsupported):
        here.restart()


@pytest.mark.parametrize("key", [b"anchor/short", b"what/" + bytes(32), bytes(32)])
def test_a_document_under_an_impossible_name_is_told_of(key: bytes) -> None:
    here = node()
    with here.store.transaction():
        here.store.put_document(DocumentKind.TRUST, key, b"\x90")
    with pytest.raises(StoreDamaged):
        here.restart()


def test_an_anchor_that_is_no_certificate_is_told_of() -> None:
    here = node()
    here.pin(ISSUER)
    ((key, value),) = documents(here)
    start = value.index(b"\x30\x82")
    with here.store.transaction():
        broken = value[:start] + b"\x31" + value[start + 1 :]
        here.store.put_document(DocumentKind.TRUST, key, broken)
    with pytest.raises(StoreDamaged):
        here.restart()


def test_a_list_changed_in_the_store_is_unusable_and_revokes_nothing() -> None:
    here = node()
    here.pin(ISSUER)
    here.import_status(status_list())
    key, value = next(one for one in documents(here) if one[0].startswith(b"list/"))
    middle = value.index(b".") + 40
    flipped = bytes([value[middle] ^ 1])
    with here.store.transaction():
        changed = value[:middle] + flipped + value[middle + 1 :]
        here.store.put_document(DocumentKind.TRUST, key, changed)
    here.restart()
    assert here.lists()[0].standing is Standing.UNUSABLE
    assert not here.revoked()


@given(st.binary(max_size=400), st.sampled_from(list(TrustForm)))
def test_any_bytes_are_a_list_or_break_a_rule(data: bytes, form: TrustForm) -> None:
    here = PINNED
    before = documents(here)
    lists = partial(here.import_list, form=form)
    work = here.import_status if form is TrustForm.STATUS else lists
    with pytest.raises(CredentialError):
        work(data)
    assert documents(here) == before


@given(st.integers(0, 10_000), st.integers(0, 255), st.sampled_from(["status", "vical"]))
def test_a_changed_byte_changes_nothing_here(place: int, value: int, what: str) -> None:
    good = status_list(NOW - 50) if what == "status" else GOOD_VICAL
    data = good[: place % len(good)] + bytes([value]) + good[place % len(good) + 1 :]
    if data == good:
        return
    before = documents(PINNED)
    try:
        taken = PINNED.import_status(data) if what == "status" else PINNED.import_list(data)
    except CredentialError:
        assert documents(PINNED) == before
    else:  # only what is outside the signature may differ, such as an unprotected header
        assert taken.list.sequence in (0, 7)


PINNED = node()
PINNED.pin(ISSUER)
PINNED.pin(LIST_ROOT, purpose=AnchorPurpose.LISTS)
GOOD_VICAL = vical()
