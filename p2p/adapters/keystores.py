"""Where the store key comes from: a passphrase, the desktop's keyring, or a plain file.

All three leave a file ``store.key``, which says which of them it is. The store key itself never
changes: a new passphrase wraps the same key anew, so the store need not be written again. Who
once had the key therefore keeps it; for a new one, recover the account into a new home.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from p2p.adapters.key_file import (
    STORE_KEY_SIZE_BYTES,
    KeyringKey,
    PassphraseKey,
    PlainKey,
    read_key_file,
    write_key_file,
)
from p2p.crypto.aead import NONCE_SIZE_BYTES, open_sealed, seal
from p2p.crypto.passphrase import SALT_SIZE_BYTES, STRETCH_COST_MODERATE, StretchCost, stretch
from p2p.errors import (
    Conflict,
    EnvironmentFault,
    InvalidInput,
    NotAuthentic,
    PassphraseWrong,
    StoreDamaged,
)
from p2p.ports.entropy import Entropy

KEYRING_SERVICE: Final = "molva"
"""Under which name the keyring shows our entries to the person."""
_ENTRY_SIZE_BYTES: Final = 16
_LABEL: Final = b"molva store key 1"


class FileKeystore(ABC):
    """What the keystores share: :class:`p2p.ports.keystore.Keystore` around one file."""

    def __init__(self, path: Path, entropy: Entropy) -> None:
        self._path = path
        self._entropy = entropy

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def create(self) -> bytes:
        """Make a new store key; see :class:`p2p.ports.keystore.Keystore`."""
        if self._path.exists():
            raise Conflict(f"{self._path} is there already.")
        key = self._entropy.random_bytes(STORE_KEY_SIZE_BYTES)
        self.wrap(key)
        return key

    @abstractmethod
    def wrap(self, key: bytes) -> None:
        """Protect this key in place of whatever the file has now, in one step.

        Raises:
            StoreFull, EnvironmentFault: it cannot be; what was there stays.
        """

    @abstractmethod
    def unlock(self) -> bytes:
        """Give the store key; see :class:`p2p.ports.keystore.Keystore`."""


class PassphraseKeystore(FileKeystore):
    """The key sealed under a passphrase; the safe choice.

    Args:
        path: the key file.
        passphrase: at least one character.
        entropy: for the key, the salt and the nonce.
        cost: for wrapping; unwrapping takes the cost that the file names.

    Raises:
        InvalidInput: the passphrase is empty.
    """

    def __init__(
        self,
        path: Path,
        passphrase: str,
        entropy: Entropy,
        cost: StretchCost = STRETCH_COST_MODERATE,
    ) -> None:
        super().__init__(path, entropy)
        if not passphrase:
            raise InvalidInput("A passphrase has at least one character.")
        self._passphrase = passphrase
        self._cost = cost

    def wrap(self, key: bytes) -> None:
        """Seal ``key`` under this passphrase with a new salt."""
        salt = self._entropy.random_bytes(SALT_SIZE_BYTES)
        nonce = self._entropy.random_bytes(NONCE_SIZE_BYTES)
        wrapping = stretch(self._passphrase, salt, self._cost)
        wrapped = seal(wrapping, nonce, _LABEL, key)
        cost = self._cost
        write_key_file(
            self._path, PassphraseKey(cost.operations, cost.memory_bytes, salt, nonce, wrapped)
        )

    def unlock(self) -> bytes:
        """Give the store key.

        Raises:
            PassphraseWrong, HomeMissing, StoreDamaged: as the port says.
            Conflict: the file is not protected by a passphrase.
        """
        entry = read_key_file(self._path)
        if not isinstance(entry, PassphraseKey):
            raise Conflict(f"{self._path} is not protected by a passphrase.")
        cost = StretchCost(entry.operations, entry.memory_bytes)
        wrapping = stretch(self._passphrase, entry.salt, cost)
        try:
            return open_sealed(wrapping, entry.nonce, _LABEL, entry.wrapped)
        except NotAuthentic as exc:
            raise PassphraseWrong("This is not the passphrase of this home.") from exc


class PlainKeystore(FileKeystore):
    """The key as it is, in a file of mode 0600: what ``--no-passphrase`` means.

    It gives up protection at rest: whoever gets a copy of the home (a stolen disk, a backup, the
    machine's administrator) reads every message, can write as this device, and holds the account.
    For machines that must start alone and whose disk is protected in another way.
    """

    def wrap(self, key: bytes) -> None:
        """Write ``key``."""
        write_key_file(self._path, PlainKey(key))

    def unlock(self) -> bytes:
        """Give the store key.

        Raises:
            HomeMissing, StoreDamaged: as the port says.
            Conflict: the file is protected.
        """
        entry = read_key_file(self._path)
        if not isinstance(entry, PlainKey):
            raise Conflict(f"{self._path} is protected; it has no plain key.")
        return entry.key


class KeyringKeystore(FileKeystore):
    """The key in the desktop's keyring, unlocked with the person's session.

    The file only names the entry. The keyring protects the key as well as the login password
    does, and gives it to every program of the same person.
    """

    def wrap(self, key: bytes) -> None:
        """Put ``key`` into the keyring under a new name."""
        entry = self._entropy.random_bytes(_ENTRY_SIZE_BYTES).hex()
        _put_entry(entry, key.hex())
        try:
            write_key_file(self._path, KeyringKey(entry))
        except BaseException:
            _forget_entry(entry)
            raise

    def unlock(self) -> bytes:
        """Give the store key.

        Raises:
            HomeMissing: as the port says.
            StoreDamaged: the file is damaged, or the keyring has lost the entry.
            EnvironmentFault: there is no keyring, or it stays locked.
            Conflict: the file is protected in another way.
        """
        entry = read_key_file(self._path)
        if not isinstance(entry, KeyringKey):
            raise Conflict(f"{self._path} does not name an entry of the keyring.")
        kept = _get_entry(entry.entry)
        try:
            key = bytes.fromhex(kept)
        except ValueError:
            key = b""
        if len(key) != STORE_KEY_SIZE_BYTES:
            raise StoreDamaged(
                f"The keyring has no store key under {KEYRING_SERVICE} / {entry.entry}: "
                "the entry was deleted or changed, or this is another person's or machine's "
                "keyring. Nothing was changed or deleted."
            )
        return key


def keystore_at(path: Path, ask_passphrase: Callable[[], str], entropy: Entropy) -> FileKeystore:
    """Give the keystore that the file calls for, asking for a passphrase only where it has one.

    Raises:
        HomeMissing, StoreDamaged, VersionUnsupported, EnvironmentFault: no file that can be read.
        InvalidInput: the answer was empty.
    """
    match read_key_file(path):
        case PassphraseKey():
            return PassphraseKeystore(path, ask_passphrase(), entropy)
        case PlainKey():
            return PlainKeystore(path, entropy)
        case KeyringKey():
            return KeyringKeystore(path, entropy)


def change_protection(old: FileKeystore, new: FileKeystore) -> None:
    """Protect the store key of ``old`` as ``new`` does, in the same file.

    A crash leaves the old protection or the new one. A keyring entry that is no longer needed is
    deleted last, so a crash can leave it behind.

    Raises:
        PassphraseWrong, StoreDamaged, HomeMissing: the old one does not unlock.
        StoreFull, EnvironmentFault: the new one cannot be written; the old one is untouched.
    """
    assert old.path == new.path
    before = read_key_file(old.path)
    new.wrap(old.unlock())
    if isinstance(before, KeyringKey):
        _forget_entry(before.entry)


def change_passphrase(
    path: Path,
    old: str,
    new: str,
    entropy: Entropy,
    cost: StretchCost = STRETCH_COST_MODERATE,
) -> None:
    """Wrap the store key under another passphrase.

    Raises:
        InvalidInput: the new one is empty.
        PassphraseWrong, StoreDamaged, HomeMissing: the old one does not unlock.
        StoreFull, EnvironmentFault: the new file cannot be written; the old one is untouched.
    """
    change_protection(
        PassphraseKeystore(path, old, entropy), PassphraseKeystore(path, new, entropy, cost)
    )


def _put_entry(entry: str, secret: str) -> None:
    import keyring  # slow to import, and of use to desktops only
    from keyring.errors import KeyringError

    try:
        keyring.set_password(KEYRING_SERVICE, entry, secret)
        kept = keyring.get_password(KEYRING_SERVICE, entry)
    except KeyringError as exc:
        raise _no_keyring(exc) from exc
    if kept != secret:
        raise EnvironmentFault(
            "The keyring took the store key and did not keep it: it may be switched off "
            "(backend 'null'). Use a passphrase."
        )


def _get_entry(entry: str) -> str:
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(KEYRING_SERVICE, entry) or ""
    except KeyringError as exc:
        raise _no_keyring(exc) from exc


def _forget_entry(entry: str) -> None:
    import keyring
    from keyring.errors import KeyringError

    # What cannot be deleted now stays behind; the person sees it in the keyring under our name.
    with suppress(KeyringError):
        keyring.delete_password(KEYRING_SERVICE, entry)


def _no_keyring(exc: Exception) -> EnvironmentFault:
    reason = " ".join(str(exc).split()) or type(exc).__name__
    return EnvironmentFault(f"The keyring cannot be used: {reason} Use a passphrase instead.")
