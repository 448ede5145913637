"""The profile in a store: made once, recovered from words, and refused where it is not right."""

from __future__ import annotations

import pytest

from p2p.adapters.memory_store import MemoryStore
from p2p.crypto.account import account_key_of, check_certificate, device_key_of
from p2p.errors import (
    ClockDoubtful,
    Conflict,
    HomeMissing,
    InvalidInput,
    StoreDamaged,
    VersionUnsupported,
)
from p2p.node.profile import (
    accept_clock,
    check_clock,
    create_profile,
    load_profile,
    note_clock,
    recover_profile,
    rename_profile,
)
from p2p.ports.store import DocumentKind, Store
from p2p.wire.codec import pack
from tests.ports.seeded_entropy import SeededEntropy

NOW_S = 1_800_000_000.75
DAY_S = 86_400


def put(store: Store, key: bytes, value: bytes) -> None:
    with store.transaction():
        store.put_document(DocumentKind.SETTING, key, value)


def settings(store: Store) -> dict[bytes, bytes]:
    return dict(store.documents(DocumentKind.SETTING))


def test_loads_as_it_was_made() -> None:
    store = MemoryStore()
    profile = create_profile(store, " Ada ", SeededEntropy(), NOW_S)
    assert load_profile(store) == profile
    assert profile.name == "Ada"
    assert profile.created_s == 1_800_000_000
    identity = profile.identity
    assert identity.account_key == account_key_of(profile.account_seed)
    assert identity.device_key == device_key_of(identity.device_seed)
    assert check_certificate(identity.certificate).device_key == identity.device_key
    assert identity.certificate.created_s == profile.created_s
    seeds = {profile.account_seed, identity.device_seed, profile.libp2p_seed}
    assert len(seeds) == 3
    assert {len(seed) for seed in seeds} == {32}


def test_its_secrets_do_not_show() -> None:
    profile = create_profile(MemoryStore(), "Ada", SeededEntropy(), NOW_S)
    assert repr(profile) == "Profile(name='Ada', created_s=1800000000)"


def test_the_words_are_the_account_and_nothing_else() -> None:
    first = create_profile(MemoryStore(), "Ada", SeededEntropy(1), NOW_S)
    words = first.words()
    assert len(words.split()) == 24
    again = recover_profile(MemoryStore(), "Ada", words.upper(), SeededEntropy(2), NOW_S + 9)
    assert again.account_seed == first.account_seed
    assert again.identity.account_key == first.identity.account_key
    assert again.identity.device_key != first.identity.device_key
    assert again.libp2p_seed != first.libp2p_seed
    assert check_certificate(again.identity.certificate).account_key == first.identity.account_key
    assert again.words() == words


def test_another_account_every_time() -> None:
    keys = {
        create_profile(MemoryStore(), "", SeededEntropy(seed), NOW_S).identity.account_key
        for seed in range(5)
    }
    assert len(keys) == 5


def test_wrong_words_make_nothing() -> None:
    store = MemoryStore()
    words = create_profile(MemoryStore(), "", SeededEntropy(), NOW_S).words().split()
    for wrong in ("", "abandon " * 24, " ".join(words[:23]), " ".join(reversed(words))):
        with pytest.raises(InvalidInput):
            recover_profile(store, "Ada", wrong, SeededEntropy(2), NOW_S)
    assert settings(store) == {}


def test_a_profile_is_never_replaced() -> None:
    store = MemoryStore()
    profile = create_profile(store, "Ada", SeededEntropy(1), NOW_S)
    with pytest.raises(Conflict):
        create_profile(store, "Eve", SeededEntropy(2), NOW_S)
    with pytest.raises(Conflict):
        recover_profile(store, "Eve", profile.words(), SeededEntropy(2), NOW_S)
    assert load_profile(store) == profile


@pytest.mark.parametrize("name", ["", "Ada", "Łódź", "x" * 64, "👩\u200d🚀", "\u0646\u200c\u0647"])
def test_names(name: str) -> None:
    assert create_profile(MemoryStore(), name, SeededEntropy(), NOW_S).name == name


@pytest.mark.parametrize("name", ["x" * 65, "é" * 33, "a\nb", "a\0b", "a\u202eb", "\ud800", "a\tb"])
def test_names_that_cannot_be(name: str) -> None:
    store = MemoryStore()
    with pytest.raises(InvalidInput):
        create_profile(store, name, SeededEntropy(), NOW_S)
    assert settings(store) == {}
    create_profile(store, "Ada", SeededEntropy(), NOW_S)
    with pytest.raises(InvalidInput):
        rename_profile(store, name)
    assert load_profile(store).name == "Ada"


def test_rename() -> None:
    store = MemoryStore()
    create_profile(store, "Ada", SeededEntropy(), NOW_S)
    rename_profile(store, "Augusta ")
    assert load_profile(store).name == "Augusta"


def test_no_profile() -> None:
    with pytest.raises(HomeMissing, match="molva init"):
        load_profile(MemoryStore())


def test_every_altered_byte_of_the_profile_is_found() -> None:
    store = MemoryStore()
    profile = create_profile(store, "Ada", SeededEntropy(), NOW_S)
    whole = settings(store)[b"profile"]
    for place in range(len(whole)):
        put(store, b"profile", whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        try:
            loaded = load_profile(store)
        except (StoreDamaged, VersionUnsupported):
            continue
        # No other copy of these says what they were: another peer id, another date.
        assert loaded.identity == profile.identity
        assert loaded.account_seed == profile.account_seed
        assert (loaded.libp2p_seed, loaded.created_s) != (profile.libp2p_seed, profile.created_s)


@pytest.mark.parametrize("data", [b"", b"\xc0", b"text", bytes(2_000), pack((1, b"short"))])
def test_what_is_no_profile(data: bytes) -> None:
    store = MemoryStore()
    put(store, b"profile", data)
    with pytest.raises(StoreDamaged, match="The profile in this store is damaged"):
        load_profile(store)


def test_a_name_that_is_no_text() -> None:
    store = MemoryStore()
    create_profile(store, "Ada", SeededEntropy(), NOW_S)
    put(store, b"profile-name", b"\xff")
    with pytest.raises(StoreDamaged):
        load_profile(store)


def test_another_s_certificate() -> None:
    store, other = MemoryStore(), MemoryStore()
    create_profile(store, "Ada", SeededEntropy(1), NOW_S)
    create_profile(other, "Eve", SeededEntropy(2), NOW_S)
    ours, theirs = settings(store)[b"profile"], settings(other)[b"profile"]
    assert len(ours) == len(theirs)
    certificate = ours.index(load_profile(store).identity.account_key) - 4
    put(store, b"profile", ours[:certificate] + theirs[certificate:])
    with pytest.raises(StoreDamaged, match="another account or device"):
        load_profile(store)


def test_a_newer_profile() -> None:
    store = MemoryStore()
    create_profile(store, "Ada", SeededEntropy(), NOW_S)
    data = settings(store)[b"profile"]
    put(store, b"profile", data[:1] + b"\x02" + data[2:])
    with pytest.raises(VersionUnsupported, match="newer Molva"):
        load_profile(store)


class TestClock:
    def test_nothing_is_known_at_first(self) -> None:
        check_clock(MemoryStore(), 0.0)

    def test_a_new_profile_knows_when_it_was_made(self) -> None:
        store = MemoryStore()
        create_profile(store, "Ada", SeededEntropy(), NOW_S)
        check_clock(store, NOW_S - DAY_S)
        with pytest.raises(ClockDoubtful):
            check_clock(store, NOW_S - DAY_S - 1)

    def test_says_how_far_it_is_behind(self) -> None:
        store = MemoryStore()
        with store.transaction():
            note_clock(store, NOW_S)
        with pytest.raises(ClockDoubtful, match=r"is 3\.0 days behind .* Set the clock"):
            check_clock(store, NOW_S - 3 * DAY_S)

    def test_the_floor_only_rises(self) -> None:
        store = MemoryStore()
        with store.transaction():
            note_clock(store, NOW_S)
            note_clock(store, NOW_S - DAY_S)
        with pytest.raises(ClockDoubtful):
            check_clock(store, NOW_S - 1.5 * DAY_S)

    def test_ahead_is_no_doubt(self) -> None:
        store = MemoryStore()
        with store.transaction():
            note_clock(store, NOW_S)
        check_clock(store, NOW_S + 1_000 * DAY_S)

    def test_a_person_may_say_that_it_was_wrong_before(self) -> None:
        store = MemoryStore()
        with store.transaction():
            note_clock(store, NOW_S + 1_000 * DAY_S)
        accept_clock(store, NOW_S)
        check_clock(store, NOW_S)

    def test_damaged(self) -> None:
        store = MemoryStore()
        put(store, b"clock-floor", b"1")
        with pytest.raises(StoreDamaged):
            check_clock(store, NOW_S)
