"""The wallet: what it takes in, what it refuses, and that any bytes are one of the two."""

from __future__ import annotations

import base64
import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p.adapters.memory_store import MemoryStore
from p2p.core.exchange.events import RequestState, VerdictView
from p2p.core.exchange.importing import COPIES_MAX, read_import
from p2p.core.exchange.proven import PROVEN_PER_CONTACT_MAX, VALUE_MAX_BYTES, Proven
from p2p.core.exchange.request_book import KEPT_MAX, RequestBook, RequestRecord
from p2p.core.exchange.verdicts import decode_verdict, encode_verdict, shown_value, undecided
from p2p.core.exchange.wallet import CREDENTIALS_MAX, Wallet
from p2p.errors import CredentialError, InvalidInput, StoreDamaged, UnknownName
from p2p.ports.store import DocumentKind
from p2p.wire.content import CredentialRequest, encode_content
from p2p.wire.ids import AccountKey
from tests.core.exchange.people import NOW, Issuer, key_pem
from tests.credentials.pki import DAY, new_key, new_world

ISSUER = Issuer(new_world())
BOB = AccountKey(b"b" * 32)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def take_in(store: MemoryStore, data: bytes, key: bytes = b"") -> tuple[list[bytes], int]:
    with store.transaction():
        return Wallet(store).take_in(data, key, float(NOW))


# --- what is taken in ----------------------------------------------------------------------------
@pytest.mark.parametrize("form", ["sd-jwt", "cbor", "base64url"])
def test_a_credential_comes_in_every_form_and_once(store: MemoryStore, form: str) -> None:
    key = new_key()
    data = ISSUER.sd_jwt(key) if form == "sd-jwt" else ISSUER.mdoc(key)
    if form == "base64url":
        data = base64.urlsafe_b64encode(data).rstrip(b"=") + b"\n"
    (id_,), new = take_in(store, data, key_pem(key))
    assert new == 1
    assert take_in(store, data, key_pem(key)) == ([id_], 0)
    (view,) = Wallet(store).all()
    assert (view.id, view.copies, view.copies_left) == (id_, 1, 1)
    assert {e.name.rpartition("/")[2] for e in view.elements} >= {"age_over_18"}


def test_a_bundle_becomes_one_credential_with_copies_and_grows(store: MemoryStore) -> None:
    (id_,), new = take_in(store, ISSUER.bundle(3))
    assert new == 3
    assert take_in(store, ISSUER.bundle(2)) == ([id_], 2)
    assert Wallet(store).view(id_).copies == 5


def test_copies_in_another_order_are_one_credential(store: MemoryStore) -> None:
    for turn in (1, -1):
        key = new_key()

        def shuffled(case: Any, turn: int = turn) -> None:
            case.disclosures = case.disclosures[::turn]

        take_in(store, ISSUER.sd_jwt(key, shuffled), key_pem(key))
    (view,) = Wallet(store).all()
    assert view.copies == 2


def test_a_bad_copy_keeps_the_whole_bundle_out(store: MemoryStore) -> None:
    members = json.loads(ISSUER.bundle(2))
    members["copies"][1]["holder_key"] = members["copies"][0]["holder_key"]
    with pytest.raises(CredentialError):
        take_in(store, json.dumps(members).encode())
    assert Wallet(store).all() == []
    assert list(store.documents(DocumentKind.CREDENTIAL)) == []


def test_what_is_no_import_is_refused_in_words() -> None:
    good = json.loads(ISSUER.bundle(1))
    key = key_pem(new_key())

    def bundle(**changes: Any) -> bytes:
        return json.dumps(good | changes).encode()

    def copy(**changes: Any) -> bytes:
        return bundle(copies=[good["copies"][0] | changes])

    for data, given_key, said in (
        (b"", b"", "empty"),
        (b"  \n", key, "empty"),
        (bundle(), key, "leave --key out"),
        (b"abc~", b"", "--key"),
        (b"not base64!", key, "neither"),
        (b"{", b"", "bundle"),
        (bundle(molva_credential_bundle=2), b"", "molva_credential_bundle"),
        (bundle(copies=[]), b"", "no copies"),
        (bundle(copies=[{}] * (2 * COPIES_MAX + 1)), b"", "at most"),
        (bundle(copies=["x"]), b"", "Copy 1 of the bundle is no object"),
        (copy(format="jpeg"), b"", "no format"),
        (copy(holder_key=7), b"", "no 'holder_key'"),
        (copy(credential=""), b"", "no 'credential'"),
        (copy(format="mso_mdoc"), b"", "no 'issuer_signed'"),
    ):
        with pytest.raises(InvalidInput, match=said):
            read_import(data, given_key)


def test_what_has_expired_is_not_taken_in(store: MemoryStore) -> None:
    key = new_key()
    data = ISSUER.sd_jwt(key, lambda case: case.payload.update(exp=NOW - 1))
    with pytest.raises(InvalidInput, match="expired"):
        take_in(store, data, key_pem(key))


def test_a_wallet_is_bounded(store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    import p2p.core.exchange.wallet as module

    assert CREDENTIALS_MAX >= 100
    monkeypatch.setattr(module, "CREDENTIALS_MAX", 1)
    monkeypatch.setattr(module, "COPIES_MAX", 3)
    take_in(store, ISSUER.bundle(3))
    with pytest.raises(InvalidInput, match="copies of one"):
        take_in(store, ISSUER.bundle(1))
    key = new_key()
    with pytest.raises(InvalidInput, match="1 credentials"):
        take_in(store, ISSUER.mdoc(key), key_pem(key))


@settings(deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", b"{", b"~", b"\xa2", b"eyJ"]))
def test_any_bytes_are_a_credential_or_a_refusal(data: bytes, start: bytes) -> None:
    for key in (b"", _KEY):
        with contextlib.suppress(InvalidInput, CredentialError):
            assert read_import(start + data, key)


_HOLDER = new_key()
_KEY = key_pem(_HOLDER)
_GOOD = (ISSUER.sd_jwt(_HOLDER), ISSUER.mdoc(_HOLDER))


@settings(deadline=None)
@given(st.sampled_from(_GOOD), st.data())
def test_a_bent_credential_is_a_credential_or_a_refusal(good: bytes, data: st.DataObject) -> None:
    bent = bytearray(good)
    at = data.draw(st.integers(0, len(bent) - 1))
    bent[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    with contextlib.suppress(InvalidInput, CredentialError):
        assert read_import(bytes(bent), _KEY)


@pytest.mark.parametrize("form", ["sd-jwt", "mdoc"])
def test_a_type_that_no_store_could_hold_is_refused_and_harms_nothing(
    store: MemoryStore, form: str
) -> None:
    """It used to be kept, and the node could not be started again."""
    key = new_key()
    for size, fits in ((1_024, True), (70_000, False)):
        kind = "x" * size

        def bend(case: Any, kind: str = kind) -> None:
            if form == "mdoc":
                case.doc_type = kind
            else:
                case.payload["vct"] = kind

        data = ISSUER.mdoc(key, bend) if form == "mdoc" else ISSUER.sd_jwt(key, bend)
        if fits:
            take_in(store, data, key_pem(key))
        else:
            with pytest.raises(CredentialError) as caught:
                take_in(store, data, key_pem(key))
            assert caught.value.rule == "length"
        assert [len(view.kind) for view in Wallet(store).all()] == [1_024]


# --- what is damaged -----------------------------------------------------------------------------
def test_a_damaged_wallet_is_said_to_be_damaged(store: MemoryStore) -> None:
    key = new_key()
    ((id_,), _) = take_in(store, ISSUER.sd_jwt(key), key_pem(key))
    with store.transaction():
        for name, _ in list(store.documents(DocumentKind.CREDENTIAL)):
            if len(name) > 16:
                store.put_document(DocumentKind.CREDENTIAL, name, b"\x90")
    with pytest.raises(StoreDamaged):
        Wallet(store).view(id_)
    with store.transaction():
        store.put_document(DocumentKind.CREDENTIAL, id_, b"\x90")
    with pytest.raises(StoreDamaged):
        Wallet(store)
    with pytest.raises(UnknownName):
        Wallet(MemoryStore()).view(id_)


@pytest.mark.parametrize("value", [b"\x90", b"\xff"])
def test_other_documents_that_are_damaged_are_said_to_be(store: MemoryStore, value: bytes) -> None:
    with store.transaction():
        store.put_document(DocumentKind.CREDENTIAL_REQUEST, b"i" * 17, value)
        store.put_document(DocumentKind.PROVEN, BOB, value)
    with pytest.raises(StoreDamaged):
        RequestBook(store)
    with pytest.raises(StoreDamaged):
        Proven(store)


# --- bounds of what is remembered ----------------------------------------------------------------
def test_old_questions_make_room_and_open_ones_stay(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    import p2p.core.exchange.request_book as module

    assert KEPT_MAX >= 1_000
    monkeypatch.setattr(module, "KEPT_MAX", 3)
    book = RequestBook(store)
    for number in range(5):
        request = CredentialRequest(
            bytes([number]) * 16, bytes(16), NOW, NOW + DAY, "", (), ("sex",)
        )
        state = RequestState.OPEN if number in (0, 4) else RequestState.DECLINED
        record = RequestRecord(
            request.request_id, 1, 0, state, b"", BOB, b"s", encode_content(request)
        )
        with store.transaction():
            book.add(record)
    kept = [record.id[0] for record in RequestBook(store).all()]
    assert kept == [0, 3, 4]


def test_a_contact_that_asks_much_displaces_nobody_elses_question(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    import p2p.core.exchange.request_book as module

    monkeypatch.setattr(module, "KEPT_MAX", 4)
    book = RequestBook(store)
    for number in range(20):
        asker = BOB if number == 0 else AccountKey(b"m" * 32)
        request = CredentialRequest(
            bytes([number]) * 16, bytes(16), NOW, NOW + DAY, "", (), ("sex",)
        )
        record = RequestRecord(
            request.request_id, 0, 0, RequestState.ANSWERED, asker, asker, b"s",
            encode_content(request), answer=b"waits for its verifier",
        )  # fmt: skip
        with store.transaction():
            book.add(record)
    assert [record.id[0] for record in RequestBook(store).all()] == [0, 17, 18, 19]


def _verdict(**claims: Any) -> VerdictView:
    from dataclasses import replace

    empty = undecided(RequestState.VERIFIED, "", "", ("dc+sd-jwt", "x"), float(NOW))
    return replace(empty, claims=tuple(claims.items()))


def test_what_is_proven_is_bounded_and_outlives_a_restart(store: MemoryStore) -> None:
    proven = Proven(store)
    with store.transaction():
        proven.note(BOB, _verdict(age_over_18=False, photo="x" * VALUE_MAX_BYTES))
        proven.note(BOB, _verdict(age_over_18=True))
        for number in range(PROVEN_PER_CONTACT_MAX - 1):
            proven.note(BOB, _verdict(**{f"claim_{number}": number}))
    again = Proven(store)
    assert again.of(BOB) == proven.of(BOB)
    assert len(again.of(BOB)) == PROVEN_PER_CONTACT_MAX
    assert again.holds(BOB, "age_over_18", NOW)
    assert not again.holds(BOB, "claim_1", NOW)
    assert not again.holds(BOB, "photo", NOW)
    with store.transaction():
        proven.note(BOB, _verdict(one_more=1))
        assert not proven.holds(BOB, "age_over_18", NOW)
        proven.forget(BOB)
        proven.forget(BOB)
    assert Proven(store).of(BOB) == ()


def test_what_is_proven_counts_as_long_as_the_credential(store: MemoryStore) -> None:
    from dataclasses import replace

    proven = Proven(store)
    with store.transaction():
        proven.note(BOB, replace(_verdict(of_age=True), valid_until_s=int(NOW) + 10))
        proven.note(BOB, replace(_verdict(endless=True), valid_until_s=0))
    for now_s, counts in ((NOW + 9.9, True), (NOW + 10, False), (NOW + 1e9, False)):
        assert proven.holds(BOB, "of_age", now_s) is counts
        assert proven.holds(BOB, "endless", now_s)
    assert [view.name for view in proven.of(BOB)] == ["of_age", "endless"]


def test_the_most_that_can_be_proven_is_read_again(store: MemoryStore) -> None:
    """A value that is nested too deep, or many long names, used to damage the store."""
    from dataclasses import replace

    deep: Any = 1
    for _ in range(40):
        deep = [deep]
    proven = Proven(store)
    with store.transaction():
        proven.note(BOB, _verdict(deep=1))
        proven.note(BOB, _verdict(deep=deep, flat=1))
    assert [view.name for view in Proven(store).of(BOB)] == ["flat"]
    long = {f"{number:02}" + "ö" * 63: "ö" * 500 for number in range(PROVEN_PER_CONTACT_MAX)}
    verdict = replace(_verdict(**long), kind="\U00010000" * 1_024, issuer="\U00010000" * 512)
    with store.transaction():
        proven.note(BOB, verdict)
    assert Proven(store).of(BOB) == proven.of(BOB)


def test_the_largest_verdict_is_read_again(store: MemoryStore) -> None:
    request = CredentialRequest(bytes(16), bytes(16), NOW, NOW + DAY, "", (), ("a", "b", "c", "d"))
    record = RequestRecord(
        request.request_id, 1, 0, RequestState.OPEN, b"", BOB, b"s", encode_content(request)
    )
    smallest = [shown_value(2.0**-24)] * 10_000  # two bytes each in a presentation
    verdict = _verdict(a=smallest, b=smallest, c=smallest, d=smallest)
    book = RequestBook(store)
    with store.transaction():
        kept = book.save(book.add(record), verdict=encode_verdict(verdict))
    assert RequestBook(store).all() == [kept]


def test_a_verdict_without_claims_proves_nothing(store: MemoryStore) -> None:
    proven = Proven(store)
    with store.transaction():
        proven.note(BOB, undecided(RequestState.REFUSED, "x", "y", ("a", "b"), 1.0))
    assert proven.of(BOB) == ()


# --- values --------------------------------------------------------------------------------------
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


@given(json_values)
def test_any_value_of_a_claim_can_be_kept_and_shown(value: Any) -> None:
    with contextlib.suppress(UnicodeEncodeError):
        verdict = _verdict(claim=shown_value(value))
        assert decode_verdict(encode_verdict(verdict)) == verdict
