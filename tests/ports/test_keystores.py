"""The keystore contract on every adapter."""

from __future__ import annotations

from pathlib import Path

import keyring
import pytest

from p2p.adapters.keystores import KeyringKeystore, PassphraseKeystore, PlainKeystore
from p2p.crypto.passphrase import StretchCost
from tests.ports.keystore_contract import KeystoreContract
from tests.ports.memory_keyring import MemoryKeyring
from tests.ports.seeded_entropy import SeededEntropy

CHEAP = StretchCost(operations=1, memory_bytes=8_192)


class TestPassphraseKeystore(KeystoreContract):
    @pytest.fixture
    def keystore(self, path: Path) -> PassphraseKeystore:
        return PassphraseKeystore(path, "correct horse", SeededEntropy(), CHEAP)


class TestPlainKeystore(KeystoreContract):
    @pytest.fixture
    def keystore(self, path: Path) -> PlainKeystore:
        return PlainKeystore(path, SeededEntropy())


class TestKeyringKeystore(KeystoreContract):
    @pytest.fixture
    def keystore(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> KeyringKeystore:
        monkeypatch.setattr(keyring.core, "_keyring_backend", MemoryKeyring())
        return KeyringKeystore(path, SeededEntropy())
