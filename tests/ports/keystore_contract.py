"""What every keystore does; each adapter's test class inherits from this."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from p2p.adapters.keystores import FileKeystore
from p2p.errors import Conflict, EnvironmentFault, HomeMissing, StoreDamaged, VersionUnsupported


class KeystoreContract:
    """A subclass has a fixture ``keystore`` around the file ``path``, which is not there yet."""

    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "store.key"

    def test_gives_the_key_that_it_made(self, keystore: FileKeystore) -> None:
        key = keystore.create()
        assert len(key) == 32
        assert keystore.unlock() == key
        assert keystore.unlock() == key

    def test_its_file_is_for_the_owner_alone(self, keystore: FileKeystore, path: Path) -> None:
        keystore.create()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert list(path.parent.iterdir()) == [path]

    def test_makes_only_one(self, keystore: FileKeystore, path: Path) -> None:
        key = keystore.create()
        with pytest.raises(Conflict, match="is there already"):
            keystore.create()
        assert keystore.unlock() == key

    def test_none_there(self, keystore: FileKeystore) -> None:
        with pytest.raises(HomeMissing, match="There is no store key at"):
            keystore.unlock()

    def test_open_to_others(self, keystore: FileKeystore, path: Path) -> None:
        keystore.create()
        path.chmod(0o640)
        with pytest.raises(EnvironmentFault, match=r"mode 0640\)\. Run: chmod 600"):
            keystore.unlock()

    def test_no_file(self, keystore: FileKeystore, path: Path) -> None:
        path.symlink_to(path)
        with pytest.raises(EnvironmentFault, match="cannot be read"):
            keystore.unlock()

    def test_every_flipped_bit_and_every_cut_is_damage(
        self, keystore: FileKeystore, path: Path
    ) -> None:
        keystore.create()
        whole = path.read_bytes()
        damaged = [whole[:size] for size in range(len(whole))]
        damaged += [
            whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :]
            for place in range(len(whole))
            for bit in range(8)
        ]
        damaged += [whole + b"\0", bytes(len(whole)), b"Dear diary, " * 200]
        for data in damaged:
            path.write_bytes(data)
            with pytest.raises((StoreDamaged, VersionUnsupported)) as caught:
                keystore.unlock()
            assert str(path) in str(caught.value)
        path.write_bytes(whole)
        keystore.unlock()
