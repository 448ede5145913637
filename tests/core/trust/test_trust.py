"""What one node believes: its own anchors, what is signed under them, and only the newest of it."""

from __future__ import annotations

from functools import partial

import pytest

from p2p.core.config import TrustConfig
from p2p.core.trust.anchors import ANCHORS_MAX, PEM_SIZE_MAX_BYTES
from p2p.core.trust.events import AnchorPurpose, AnchorsAdded, Standing, TrustForm
from p2p.core.trust.floor import SHIPPED, FloorEntry, TrustFloor
from p2p.core.trust.trust import Use
from p2p.credentials.issuer import ORGANISATION, TEST_SOURCE
from p2p.credentials.policy import StatusPolicy
from p2p.errors import (
    Conflict,
    InvalidInput,
    NotReady,
    UnknownName,
)
from tests.core.trust.world import (
    COMMAND,
    EVIL_ISSUER,
    EVIL_STATUS,
    ISSUER,
    LIST_ROOT,
    credential,
    lote,
    node,
    refusal,
    status_list,
    verdict,
    vical,
)
from tests.credentials.pki import DAY, NOW, Party, authority, leaf


# --- anchors -------------------------------------------------------------------------------------
def test_what_was_pinned_is_believed_and_kept() -> None:
    here = node()
    assert refusal(lambda: verdict(here, credential())) == "issuer-trust"
    taken = here.pin(ISSUER)
    assert (taken.new, taken.anchors[0].label) == (1, "Utopia IACA")
    here.import_status(status_list())
    here.restart()
    found = verdict(here, credential(index=3))
    assert (found.trust.source, found.trust.as_of) == ("pem", NOW)
    assert found.status.state.value == "valid"


def test_what_was_removed_is_believed_no_more() -> None:
    here = node()
    here.pin(ISSUER, label="Utopia")
    here.import_status(status_list())
    here.remove("Utopia")
    assert refusal(lambda: verdict(here, credential(3))) == "issuer-trust"
    (kept,) = here.lists()
    assert (kept.standing, kept.rule) == (Standing.UNUSABLE, "status-signature")
    here.pin(ISSUER)
    assert here.lists()[0].standing is Standing.CURRENT


def test_an_authority_of_the_same_name_is_another() -> None:
    here = node()
    here.pin(EVIL_ISSUER)
    assert refusal(lambda: verdict(here, credential(3))) == "issuer-trust"


@pytest.mark.parametrize(
    ("pem_text", "said"),
    [
        (b"", "certificate"),
        (b"no certificate", "certificate"),
        (b"-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n", "certificate"),
        (bytes(PEM_SIZE_MAX_BYTES + 1), "at most"),
    ],
    ids=["empty", "text", "key", "huge"],
)
def test_what_is_no_certificate_is_refused(pem_text: bytes, said: str) -> None:
    here = node()
    with pytest.raises(InvalidInput, match=said):
        here.do(AnchorsAdded(COMMAND, pem_text, "", AnchorPurpose.ISSUERS, test=False))
    assert not here.trust.view(NOW).anchors


def test_a_label_is_for_one_and_can_be_shown() -> None:
    here = node()
    with pytest.raises(InvalidInput, match="one certificate"):
        here.pin(ISSUER, LIST_ROOT, label="both")
    for label in ("bell\a", " blank", "x" * 65):
        with pytest.raises(InvalidInput, match="label"):
            here.pin(ISSUER, label=label)
    assert here.pin(ISSUER, LIST_ROOT).new == 2


def test_pinning_again_changes_what_is_said_and_nothing_else() -> None:
    here = node()
    here.pin(ISSUER)
    with pytest.raises(Conflict):
        here.pin(ISSUER)
    again = here.pin(ISSUER, label="Utopia", purpose=AnchorPurpose.LISTS)
    assert (again.new, again.anchors[0].purpose) == (0, AnchorPurpose.BOTH)
    (anchor,) = here.trust.view(NOW).anchors
    assert (anchor.label, anchor.as_of_s) == ("Utopia", NOW)


def test_references() -> None:
    here = node()
    (anchor,) = here.pin(ISSUER, label="abcdef01").anchors
    here.pin(LIST_ROOT)
    for wrong in ("nobody", anchor.ref[:7], "", "zzzzzzzz"):
        with pytest.raises(UnknownName):
            here.remove(wrong)
    assert here.remove(anchor.ref[:8].upper()).ref == anchor.ref
    here.pin(ISSUER, label="same")
    here.pin(EVIL_ISSUER, label="same")
    with pytest.raises(InvalidInput, match="Several"):
        here.remove("same")


def test_anchors_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("p2p.core.trust.anchors.ANCHORS_MAX", 1)
    here = node()
    here.pin(ISSUER)
    with pytest.raises(InvalidInput, match="at most 1 "):
        here.pin(LIST_ROOT)
    assert ANCHORS_MAX > 1


# --- test issuers --------------------------------------------------------------------------------
def marked(common: str = "Try") -> Party:
    """An authority that says of itself that it is a test."""
    return authority(f"{common},O={ORGANISATION}")


def test_a_test_issuer_needs_to_be_called_one() -> None:
    here = node()
    party = marked()
    with pytest.raises(InvalidInput, match="--test"):
        here.pin(party)
    (anchor,) = here.pin(party, test=True).anchors
    assert anchor.test
    assert here.trust.store(NOW).anchors[0].source == TEST_SOURCE


def test_whatever_leads_to_a_test_issuer_shows_it() -> None:
    here = node()
    here.pin(ISSUER, test=True)
    here.pin(LIST_ROOT, purpose=AnchorPurpose.LISTS, test=True)
    here.import_status(status_list())
    here.import_list(vical(parties=(EVIL_ISSUER,)))
    assert all(one.test for one in here.lists())
    assert {one.source for one in here.trust.store(NOW).anchors} == {TEST_SOURCE}
    assert verdict(here, credential(3)).trust.source == TEST_SOURCE


def test_no_real_list_brings_a_test_issuer_in() -> None:
    here = node()
    here.pin(LIST_ROOT, purpose=AnchorPurpose.LISTS)
    taken = here.import_list(vical(parties=(ISSUER, marked())))
    assert (taken.list.entries, taken.list.skipped) == (1, 1)


# --- lists of issuers ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("form", "data"), [(TrustForm.VICAL, vical()), (TrustForm.LOTE, lote())], ids=["vical", "lote"]
)
def test_a_list_brings_its_issuers(form: TrustForm, data: bytes) -> None:
    here = node()
    here.pin(LIST_ROOT, purpose=AnchorPurpose.LISTS)
    taken = here.import_list(data, form)
    assert taken.new
    assert (taken.list.entries, taken.list.root) == (1, "List root")
    here.restart()
    assert here.lists()[0].standing is Standing.CURRENT
    assert [one.source for one in here.trust.store(NOW).anchors] == [form.value]
    assert not here.import_list(data, form).new


def test_no_list_without_a_root_for_lists() -> None:
    here = node()
    with pytest.raises(NotReady, match="--purpose lists"):
        here.import_list(vical())
    here.pin(LIST_ROOT)
    with pytest.raises(NotReady):
        here.import_list(vical())
    with pytest.raises(UnknownName):
        here.import_list(vical(), root="nobody")
    assert not here.lists()


def test_a_root_that_was_named_for_a_list_signs_lists_from_now_on() -> None:
    here = node()
    here.pin(LIST_ROOT, label="root")
    here.import_list(vical(7), root="root")
    assert here.trust.view(NOW).anchors[0].purpose is AnchorPurpose.BOTH
    assert here.import_list(vical(8)).list.sequence == 8


def test_any_root_but_a_pinned_one() -> None:
    here = node()
    here.pin(ISSUER)
    assert refusal(lambda: here.import_list(vical(), root="all")) == "issuer-trust"


def test_a_list_signed_by_a_root_in_its_own_chain_is_refused() -> None:
    here = node()
    here.pin(LIST_ROOT, purpose=AnchorPurpose.LISTS)
    root = authority("List root")
    signer = leaf(root, "VICAL signer", usages=("1.0.18013.5.1.8",), above=[root.cert])
    assert refusal(lambda: here.import_list(vical(signer=signer))) == "issuer-trust"


def test_a_root_of_issuers_signs_no_list() -> None:
    here = node()
    here.pin(LIST_ROOT, purpose=AnchorPurpose.LISTS)
    here.pin(ISSUER)
    signer = leaf(ISSUER, "VICAL signer", usages=("1.0.18013.5.1.8",))
    assert refusal(lambda: here.import_list(vical(signer=signer))) == "issuer-trust"


def test_a_forged_list_is_refused() -> None:
    here = node()
    here.pin(LIST_ROOT, purpose=AnchorPurpose.LISTS)
    forged = vical().replace(b"Registry", b"Egistryr")
    assert refusal(lambda: here.import_list(forged)) == "signature"


def test_an_older_list_is_refused_for_good() -> None:
    here = node()
    here.pin(LIST_ROOT, purpose=AnchorPurpose.LISTS)
    here.import_list(vical(7))
    here.import_list(vical(9))
    assert refusal(lambda: here.import_list(vical(8))) == "list-rollback"
    here.remove(here.lists()[0].ref)
    here.restart()
    assert refusal(lambda: here.import_list(vical(8))) == "list-rollback"
    assert refusal(lambda: here.import_list(vical(9, NOW - 2 * DAY))) == "list-rollback"
    assert here.import_list(vical(9)).new


def test_a_sequence_may_jump_and_not_beyond_its_bounds() -> None:
    here = node()
    here.pin(LIST_ROOT, purpose=AnchorPurpose.LISTS)
    assert here.import_list(vical(2**62)).new
    assert refusal(lambda: here.import_list(vical(2**63))) == "shape"
    assert refusal(lambda: here.import_list(vical(10))) == "list-rollback"


def test_two_lists_of_one_publisher_stand_side_by_side() -> None:
    here = node()
    here.pin(LIST_ROOT, purpose=AnchorPurpose.LISTS)
    here.import_list(lote(9, "pid"), TrustForm.LOTE)
    here.import_list(lote(3, "wallet"), TrustForm.LOTE)
    assert sorted(one.sequence for one in here.lists()) == [3, 9]


def test_a_newer_list_without_an_issuer_withdraws_it() -> None:
    here = node()
    here.pin(LIST_ROOT, purpose=AnchorPurpose.LISTS)
    here.import_list(vical(7))
    here.import_status(status_list())
    here.import_list(vical(8, parties=(LIST_ROOT,)))
    assert refusal(lambda: verdict(here, credential(3))) == "issuer-trust"
    assert here.lists(TrustForm.STATUS)[0].standing is Standing.UNUSABLE


def test_a_stale_list_counts_for_as_long_as_the_policy_says() -> None:
    here = node(config=TrustConfig(stale_list_max_s=2 * DAY))
    here.pin(LIST_ROOT, purpose=AnchorPurpose.LISTS)
    here.import_list(vical())
    seen: list[tuple[Standing, int]] = []
    for days in (0, 2, 4):
        here.now_s = NOW + days * DAY
        seen.append((here.lists()[0].standing, len(here.trust.store(here.now_s).anchors)))
    assert seen == [(Standing.CURRENT, 1), (Standing.STALE, 1), (Standing.TOO_OLD, 0)]


def test_the_same_anchors_are_the_same_store() -> None:
    """Its memory of verified chains is what makes a verification fast."""
    here = node()
    here.pin(ISSUER)
    assert here.trust.store(NOW) is here.trust.store(NOW + DAY)


# --- status lists --------------------------------------------------------------------------------
def test_a_revocation_takes_effect_and_last_weeks_list_does_not_undo_it() -> None:
    here = node()
    here.pin(ISSUER)
    here.import_status(status_list(NOW - 7 * DAY, revoked=99))
    assert verdict(here, credential()).status.state.value == "valid"
    here.import_status(status_list(NOW - 60))
    assert refusal(lambda: verdict(here, credential())) == "status-revoked"
    old = status_list(NOW - 7 * DAY, revoked=99)
    assert refusal(lambda: here.import_status(old)) == "status-rollback"
    here.restart()
    assert refusal(lambda: here.import_status(old)) == "status-rollback"
    assert refusal(lambda: verdict(here, credential())) == "status-revoked"


def test_rollback_is_remembered_after_the_list_is_forgotten() -> None:
    here = node()
    here.pin(ISSUER)
    here.import_status(status_list(NOW - 60))
    here.remove(here.lists()[0].ref)
    here.restart()
    assert refusal(lambda: here.import_status(status_list(NOW - 61))) == "status-rollback"
    assert here.import_status(status_list(NOW - 60)).new


@pytest.mark.parametrize(
    "data",
    [
        status_list(signer=EVIL_STATUS),
        status_list(signer=leaf(ISSUER, "Utopia DS")),
        status_list()[:-8] + b"AAAAAAAA",
    ],
    ids=["other-root", "no-status-signer", "forged"],
)
def test_a_status_list_of_anybody_else_is_refused(data: bytes) -> None:
    here = node()
    here.pin(ISSUER)
    assert refusal(lambda: here.import_status(data)) == "status-signature"
    assert not here.lists()


def test_what_a_status_signer_is_made_for_is_a_setting() -> None:
    usage = "1.3.6.1.5.5.7.3.99"
    data = status_list(signer=leaf(ISSUER, "Other Status", usages=(usage,)))
    for config, accepted in ((TrustConfig(), False), (TrustConfig(status_signer_eku=usage), True)):
        here = node(config=config)
        here.pin(ISSUER)
        if accepted:
            assert here.import_status(data).new
        else:
            assert refusal(partial(here.import_status, data)) == "status-signature"


def test_how_fresh_a_status_must_be_depends_on_the_use() -> None:
    here = node()
    here.pin(ISSUER)
    here.import_status(status_list(NOW - 2 * DAY))
    presentation = credential(3)
    assert verdict(here, presentation).status.state.value == "valid"
    rule = refusal(lambda: verdict(here, presentation, Use.CONTRACT))
    assert rule == "status-unknown"
    assert here.trust.policy(Use.CONTRACT, StatusPolicy.REPORT).status is StatusPolicy.REPORT


def test_an_expired_list_still_revokes_after_a_restart() -> None:
    here = node()
    here.pin(ISSUER)
    here.import_status(status_list())
    here.now_s = NOW + 2 * DAY
    here.restart()
    assert here.lists()[0].standing is Standing.EXPIRED
    assert here.revoked()


def test_a_list_that_is_due_is_stale() -> None:
    here = node()
    here.pin(ISSUER)
    here.import_status(status_list(NOW - 43_199))
    assert here.lists()[0].standing is Standing.CURRENT
    here.now_s += 1
    assert here.lists()[0].standing is Standing.STALE


def test_of_two_lists_of_one_moment_every_node_keeps_the_same() -> None:
    pair = [status_list(NOW - 60, revoked=7), status_list(NOW - 60, revoked=9)]
    kept: list[bool] = []
    for order in (pair, pair[::-1]):
        here = node()
        here.pin(ISSUER)
        for data in order:
            here.import_status(data)
        kept.append(here.revoked(7))
    assert kept[0] == kept[1]


# --- the floor that is shipped -------------------------------------------------------------------
def test_a_fresh_node_refuses_what_is_older_than_the_shipped_floor() -> None:
    before = node()
    before.pin(ISSUER)
    name = bytes.fromhex(before.import_status(status_list(NOW - DAY)).list.ref)
    floor = TrustFloor(SHIPPED.released_s, (FloorEntry(name, 0, NOW - DAY + 1),))
    fresh = node(floor=floor)
    fresh.pin(ISSUER)
    assert refusal(lambda: fresh.import_status(status_list(NOW - DAY))) == "status-rollback"
    assert fresh.trust.view(NOW).floor_lists == 1
    updated = node(floor=floor, store=before.store)  # the release was changed under its store
    assert updated.lists()[0].rule == "status-rollback"
