"""The verifier's memory: one of two wins, damage is told, and a home can still be made of it."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from p2p.adapters import verifier_memory
from p2p.adapters.home import making_home, open_home
from p2p.adapters.verifier_memory import KEPT_S, VerifierMemory
from p2p.errors import (
    Conflict,
    EnvironmentFault,
    StoreDamaged,
    StoreFull,
    StoreLocked,
    VersionUnsupported,
)

ROOT = Path(__file__).parents[2]
NOW = 1_795_262_400.0


def burn(folder: Path, key: str = "nonce", now: float = NOW) -> bool:
    with VerifierMemory(folder, now) as memory:
        return memory.burn(key)


def test_a_nonce_is_burned_once(tmp_path: Path) -> None:
    home = tmp_path / "deep" / "home"
    assert burn(home)
    assert not burn(home)
    assert burn(home, "another")


def test_only_the_owner_can_read_it_and_nothing_else_is_made(tmp_path: Path) -> None:
    burn(tmp_path / "home")
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "home" / "verifier.db").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "home").iterdir()] == ["verifier.db"]


def test_it_holds_no_nonce_in_the_clear(tmp_path: Path) -> None:
    with VerifierMemory(tmp_path / "home", NOW) as memory:
        memory.burn("a-very-recognisable-nonce")
        memory.remember_issue("https://status.example/7", 5)
    data = (tmp_path / "home" / "verifier.db").read_bytes()
    assert b"recognisable" not in data
    assert b"status.example" not in data


def test_it_forgets_after_long(tmp_path: Path) -> None:
    assert burn(tmp_path / "home")
    assert not burn(tmp_path / "home", now=NOW + KEPT_S)
    assert burn(tmp_path / "home", now=NOW + 2 * KEPT_S + 1)


def test_the_newest_issue_of_a_list_is_kept(tmp_path: Path) -> None:
    with VerifierMemory(tmp_path / "home", NOW) as memory:
        assert memory.newest_issue("list") == 0
        memory.remember_issue("list", 7)
        memory.remember_issue("list", 5)
    with VerifierMemory(tmp_path / "home", NOW) as memory:
        assert memory.newest_issue("list") == 7
        assert memory.newest_issue("other") == 0


RACE = """
import sys
from pathlib import Path
from p2p.adapters.verifier_memory import VerifierMemory
sys.stdin.readline()
with VerifierMemory(Path(sys.argv[1]), 1795262400.0) as memory:
    print([memory.burn(f"nonce-{n}") for n in range(20)].count(True))
"""


def test_of_two_processes_exactly_one_wins(tmp_path: Path) -> None:
    command = [sys.executable, "-c", RACE, str(tmp_path / "home")]
    racers = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        for _ in range(3)
    ]
    for racer in racers:
        assert racer.stdin
        racer.stdin.write("\n")
        racer.stdin.flush()
    won = [int(racer.communicate(timeout=60)[0]) for racer in racers]
    assert sum(won) == 20


@pytest.mark.parametrize("damage", [b"no database at all, and long enough" * 200, b"SQLite"])
def test_a_damaged_memory_is_told(tmp_path: Path, damage: bytes) -> None:
    burn(tmp_path / "home")
    (tmp_path / "home" / "verifier.db").write_bytes(damage)
    with pytest.raises(StoreDamaged, match="is damaged"):
        burn(tmp_path / "home")


def test_damaged_pages_are_told(tmp_path: Path) -> None:
    path = tmp_path / "home" / "verifier.db"
    with VerifierMemory(tmp_path / "home", NOW) as memory:
        for number in range(200):
            memory.burn(str(number))
    data = bytearray(path.read_bytes())
    data[4096:] = os.urandom(len(data) - 4096)
    path.write_bytes(data)
    with pytest.raises(StoreDamaged):
        burn(tmp_path / "home")


def test_another_database_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o700)
    path = tmp_path / "home" / "verifier.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE mine (x)")
    other.close()
    path.chmod(0o600)
    with pytest.raises(StoreDamaged, match="no memory of a verifier"):
        burn(tmp_path / "home")


def test_a_newer_memory_is_not_touched(tmp_path: Path) -> None:
    burn(tmp_path / "home")
    with sqlite3.connect(tmp_path / "home" / "verifier.db") as other:
        other.execute("PRAGMA user_version = 2")
    other.close()
    with pytest.raises(VersionUnsupported):
        burn(tmp_path / "home")


def test_a_memory_held_by_another_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    burn(tmp_path / "home")
    monkeypatch.setattr(verifier_memory, "BUSY_WAIT_S", 0.0)
    other = sqlite3.connect(tmp_path / "home" / "verifier.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreLocked):
        burn(tmp_path / "home", "another")
    other.close()


def test_a_full_memory_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifier_memory, "PAGES_MAX", 5)
    with VerifierMemory(tmp_path / "home", NOW) as memory:
        numbers = map(str, range(1_000))
        with pytest.raises(StoreFull):
            assert all(map(memory.burn, numbers))
    assert not burn(tmp_path / "home", "0"), "what was burned before stays burned"


def test_what_others_could_read_is_refused(tmp_path: Path) -> None:
    burn(tmp_path / "home")
    (tmp_path / "home" / "verifier.db").chmod(0o644)
    with pytest.raises(EnvironmentFault, match="chmod 600"):
        burn(tmp_path / "home")
    (tmp_path / "open").mkdir(mode=0o755)
    with pytest.raises(EnvironmentFault, match="chmod 700"):
        burn(tmp_path / "open")


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o700)
    (tmp_path / "home" / "verifier.db").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EnvironmentFault):
        burn(tmp_path / "home")
    assert not (tmp_path / "elsewhere").exists()


def test_a_home_in_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(EnvironmentFault):
        burn(tmp_path / "file" / "home")


# --- a profile made later ------------------------------------------------------------------------


def make_profile(folder: Path) -> None:
    with making_home(folder) as home:
        home.store.write_bytes(b"store")
        home.key.write_bytes(b"key")


def test_a_profile_is_made_around_the_memory(tmp_path: Path) -> None:
    burn(tmp_path / "home")
    make_profile(tmp_path / "home")
    home = open_home(tmp_path / "home")
    assert home.verifier_memory.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    assert not burn(tmp_path / "home")


def test_no_profile_is_made_while_a_verification_goes_on(tmp_path: Path) -> None:
    with VerifierMemory(tmp_path / "home", NOW) as memory:
        with pytest.raises(StoreLocked):
            make_profile(tmp_path / "home")
        assert memory.burn("nonce")
    assert not burn(tmp_path / "home")
    make_profile(tmp_path / "home")


def test_a_failed_making_leaves_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    burn(tmp_path / "home")
    rename = Path.rename

    def refuse(path: Path, target: Path) -> Path:
        if target.name == "home":
            (target / "somebody-was-faster").write_bytes(b"")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(Conflict):
        make_profile(tmp_path / "home")
    assert not burn(tmp_path / "home")


def test_other_files_still_keep_a_profile_away(tmp_path: Path) -> None:
    burn(tmp_path / "home")
    (tmp_path / "home" / "diary.txt").write_text("mine")
    with pytest.raises(Conflict, match="not empty"):
        make_profile(tmp_path / "home")
