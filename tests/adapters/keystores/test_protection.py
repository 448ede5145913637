"""Passphrases, the keyring, the plain file, and the way from one to another."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import keyring
import pytest
from keyring.backends.fail import Keyring as NoKeyring
from keyring.backends.null import Keyring as NullKeyring

from p2p.adapters.key_file import (
    KeyProtection,
    KeyringKey,
    PassphraseKey,
    key_protection,
    read_key_file,
    write_key_file,
)
from p2p.adapters.keystores import (
    FileKeystore,
    KeyringKeystore,
    PassphraseKeystore,
    PlainKeystore,
    change_passphrase,
    change_protection,
    keystore_at,
)
from p2p.crypto.passphrase import STRETCH_COST_MODERATE, StretchCost, stretch
from p2p.errors import (
    Conflict,
    EnvironmentFault,
    InvalidInput,
    PassphraseWrong,
    StoreDamaged,
    StoreFull,
    VersionUnsupported,
)
from p2p.wire.codec import pack
from tests.ports.memory_keyring import LockedKeyring, MemoryKeyring
from tests.ports.seeded_entropy import SeededEntropy

CHEAP = StretchCost(operations=1, memory_bytes=8_192)
OLD = "correct horse"
NEW = "battery staple"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.key"


@pytest.fixture
def desktop(monkeypatch: pytest.MonkeyPatch) -> MemoryKeyring:
    backend = MemoryKeyring()
    use(backend, monkeypatch)
    return backend


def use(backend: keyring.backend.KeyringBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring.core, "_keyring_backend", backend)


def by_passphrase(path: Path, passphrase: str = OLD) -> PassphraseKeystore:
    return PassphraseKeystore(path, passphrase, SeededEntropy(), CHEAP)


def by_keyring(path: Path) -> KeyringKeystore:
    return KeyringKeystore(path, SeededEntropy())


def plain(path: Path) -> PlainKeystore:
    return PlainKeystore(path, SeededEntropy())


def forbidden() -> str:
    raise AssertionError("asked for a passphrase")


@pytest.mark.parametrize("wrong", ["correct hors", "Correct horse", "correct horse ", NEW])
def test_a_wrong_passphrase(path: Path, wrong: str) -> None:
    by_passphrase(path).create()
    with pytest.raises(PassphraseWrong, match="not the passphrase of this home"):
        by_passphrase(path, wrong).unlock()


def test_an_empty_passphrase_is_none(path: Path) -> None:
    with pytest.raises(InvalidInput):
        by_passphrase(path, "")


def test_a_passphrase_typed_on_another_keyboard(path: Path) -> None:
    text = "Zażółć ½ gęślą"
    key = by_passphrase(path, unicodedata.normalize("NFD", text)).create()
    assert by_passphrase(path, unicodedata.normalize("NFC", text)).unlock() == key


def test_neither_key_nor_passphrase_is_in_the_file(path: Path) -> None:
    key = by_passphrase(path).create()
    data = path.read_bytes()
    assert key not in data
    assert OLD.encode() not in data


def test_the_file_names_its_cost(path: Path) -> None:
    key = by_passphrase(path).create()
    entry = read_key_file(path)
    assert isinstance(entry, PassphraseKey)
    assert (entry.operations, entry.memory_bytes) == (1, 8_192)
    other_cost = PassphraseKeystore(path, OLD, SeededEntropy(), StretchCost(2, 16_384))
    assert other_cost.unlock() == key


def test_the_cost_without_a_choice_is_moderate(path: Path) -> None:
    # Argon2id at this cost takes most of a second, so it is not run here.
    keystore = PassphraseKeystore(path, OLD, SeededEntropy())
    assert keystore._cost == STRETCH_COST_MODERATE == StretchCost(3, 268_435_456)


def test_a_planted_file_cannot_ask_for_all_memory(path: Path) -> None:
    by_passphrase(path).create()
    entry = read_key_file(path)
    write_key_file(path, PassphraseKey(1, 2**40, entry.salt, entry.nonce, entry.wrapped))
    with pytest.raises(StoreDamaged):
        by_passphrase(path).unlock()


def test_too_little_memory() -> None:
    with pytest.raises(EnvironmentFault, match="MiB of free memory"):
        stretch(OLD, bytes(16), StretchCost(1, 4_398_046_510_080))


def test_a_newer_key_file(path: Path) -> None:
    by_passphrase(path).create()
    path.write_bytes(pack((2, b"", bytes(16))))
    with pytest.raises(VersionUnsupported, match="newer Molva"):
        by_passphrase(path).unlock()


@pytest.mark.parametrize(
    ("make", "protection"),
    [
        (by_passphrase, KeyProtection.PASSPHRASE),
        (by_keyring, KeyProtection.KEYRING),
        (plain, KeyProtection.NONE),
    ],
)
@pytest.mark.usefixtures("desktop")
def test_the_file_says_which_keystore_it_needs(
    path: Path, make: type[FileKeystore], protection: KeyProtection
) -> None:
    key = make(path).create()
    assert key_protection(path) is protection
    ask = (lambda: OLD) if protection is KeyProtection.PASSPHRASE else forbidden
    assert keystore_at(path, ask, SeededEntropy()).unlock() == key
    others = [other for other in (by_passphrase, by_keyring, plain) if other is not make]
    for other in others:
        with pytest.raises(Conflict):
            other(path).unlock()


def test_another_passphrase_wraps_the_same_key(path: Path) -> None:
    key = by_passphrase(path).create()
    change_passphrase(path, OLD, NEW, SeededEntropy(2), CHEAP)
    assert by_passphrase(path, NEW).unlock() == key
    with pytest.raises(PassphraseWrong):
        by_passphrase(path, OLD).unlock()


def test_a_change_takes_the_old_passphrase(path: Path) -> None:
    key = by_passphrase(path).create()
    before = path.read_bytes()
    with pytest.raises(PassphraseWrong):
        change_passphrase(path, NEW, NEW, SeededEntropy(2), CHEAP)
    with pytest.raises(InvalidInput):
        change_passphrase(path, OLD, "", SeededEntropy(2), CHEAP)
    assert path.read_bytes() == before
    assert by_passphrase(path).unlock() == key


class Crash(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("step", ["os.open", "os.fsync", "pathlib.Path.replace"])
@pytest.mark.parametrize("failure", [Crash, OSError(28, "No space left on device")])
def test_a_crash_or_a_full_disk_leaves_a_readable_key_file(
    path: Path, monkeypatch: pytest.MonkeyPatch, step: str, failure: type[Crash] | OSError
) -> None:
    key = by_passphrase(path).create()
    real_open = os.open

    def fail(*args: object, **more: object) -> int:
        if step == "os.open" and not args[1] & os.O_CREAT:
            return real_open(*args, **more)
        raise failure

    with monkeypatch.context() as patched:
        patched.setattr(step, fail)
        with pytest.raises((Crash, StoreFull)):
            change_passphrase(path, OLD, NEW, SeededEntropy(2), CHEAP)
    assert by_passphrase(path).unlock() == key
    change_passphrase(path, OLD, NEW, SeededEntropy(3), CHEAP)
    assert by_passphrase(path, NEW).unlock() == key
    assert list(path.parent.iterdir()) == [path]


def test_a_crash_after_the_change(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = by_passphrase(path).create()

    def crash(folder: Path) -> None:
        raise Crash

    with monkeypatch.context() as patched:
        patched.setattr("p2p.adapters.private_files.sync_folder", crash)
        with pytest.raises(Crash):
            change_passphrase(path, OLD, NEW, SeededEntropy(2), CHEAP)
    assert by_passphrase(path, NEW).unlock() == key


def test_a_folder_that_cannot_be_written(path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="cannot be written"):
        plain(path / "missing" / "store.key").create()


def test_from_one_protection_to_the_next(path: Path, desktop: MemoryKeyring) -> None:
    key = plain(path).create()
    chain = [plain(path), by_passphrase(path), by_keyring(path), plain(path)]
    for old, new in pairwise(chain):
        change_protection(old, new)
        assert new.unlock() == key
    assert desktop.entries == {}


def test_the_keyring_has_the_key_and_the_file_its_name(path: Path, desktop: MemoryKeyring) -> None:
    key = by_keyring(path).create()
    entry = read_key_file(path)
    assert isinstance(entry, KeyringKey)
    assert desktop.entries == {("molva", entry.entry): key.hex()}
    assert key not in path.read_bytes()


@pytest.mark.parametrize("kept", ["", "no key", "00" * 31])
def test_a_keyring_that_lost_the_key(path: Path, desktop: MemoryKeyring, kept: str) -> None:
    by_keyring(path).create()
    for name in desktop.entries:
        desktop.entries[name] = kept
    with pytest.raises(StoreDamaged, match="has no store key under molva / "):
        by_keyring(path).unlock()


def test_no_keyring(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(NoKeyring(), monkeypatch)
    with pytest.raises(EnvironmentFault, match=r"No recommended backend .* passphrase instead"):
        by_keyring(path).create()
    assert not path.exists()


def test_a_keyring_that_is_switched_off(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(NullKeyring(), monkeypatch)
    with pytest.raises(EnvironmentFault, match="did not keep it"):
        by_keyring(path).create()
    assert not path.exists()


def test_a_keyring_that_stays_locked(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(MemoryKeyring(), monkeypatch)
    by_keyring(path).create()
    use(LockedKeyring(), monkeypatch)
    with pytest.raises(EnvironmentFault, match=r"cannot be used: The person closed the dialogue\."):
        by_keyring(path).unlock()


def test_no_entry_stays_where_the_file_cannot_be_written(
    path: Path, desktop: MemoryKeyring
) -> None:
    with pytest.raises(EnvironmentFault):
        by_keyring(path / "missing" / "store.key").create()
    assert desktop.entries == {}


def test_an_entry_that_cannot_be_deleted_is_no_failure(path: Path, desktop: MemoryKeyring) -> None:
    key = by_keyring(path).create()

    class Stubborn(MemoryKeyring):
        def delete_password(self, service: str, username: str) -> None:
            raise keyring.errors.PasswordDeleteError

    stubborn = Stubborn()
    stubborn.entries = desktop.entries
    keyring.core._keyring_backend = stubborn
    change_protection(by_keyring(path), plain(path))
    assert plain(path).unlock() == key


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo], ids=["folder", "pipe"])
def test_what_is_no_file_is_told_and_not_waited_for(
    path: Path, make: Callable[[Path], None]
) -> None:
    make(path)
    with pytest.raises(EnvironmentFault, match="is no file"):
        read_key_file(path)
