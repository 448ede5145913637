"""The vectors and refusals of docs/spec/home.md."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from p2p.adapters.keystores import keystore_at
from p2p.errors import StoreDamaged, VersionUnsupported
from tests.ports.seeded_entropy import SeededEntropy

PAGE = Path(__file__).parents[3] / "docs" / "spec" / "home.md"
FILES = [bytes.fromhex(line) for line in re.findall(r"^[0-9a-f]{64,}$", PAGE.read_text(), re.M)]


def unlock(path: Path, data: bytes) -> bytes:
    path.write_bytes(data)
    path.chmod(0o600)
    return keystore_at(path, lambda: "correct horse", SeededEntropy()).unlock()


def test_vectors(tmp_path: Path) -> None:
    assert len(FILES) == 2
    for data in FILES:
        assert unlock(tmp_path / "store.key", data) == bytes(range(32))


def test_refusals(tmp_path: Path) -> None:
    plain = FILES[0]
    with pytest.raises(StoreDamaged):
        unlock(tmp_path / "store.key", plain[:-1] + b"\0")
    with pytest.raises(VersionUnsupported):
        unlock(tmp_path / "store.key", plain[:1] + b"\x02" + plain[2:])


def test_unknown_elements_at_the_end_are_passed_over(tmp_path: Path) -> None:
    longer = b"\x94" + FILES[0][1:] + b"\x01"
    assert unlock(tmp_path / "store.key", longer) == bytes(range(32))
