"""Opening a home: who could read it, what is missing, and one node at a time."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from p2p.adapters.home import Home, locked_home, open_home
from p2p.errors import EnvironmentFault, HomeMissing, StoreDamaged, StoreLocked

ROOT = Path(__file__).parents[3]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    home = Home(folder)
    home.store.write_bytes(b"store")
    home.key.write_bytes(b"key")
    return home


def test_opens(home: Home) -> None:
    assert open_home(home.folder) == home


def test_from_the_person_s_own_folder(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(home.folder.parent))
    assert open_home(Path("~/home")) == home


def test_no_folder_and_an_empty_folder_are_no_profile(home: Home) -> None:
    for folder in (home.folder / "missing", home.folder / "empty"):
        with pytest.raises(HomeMissing, match=f"There is no profile in {folder}.*molva init"):
            open_home(folder)
        (home.folder / "empty").mkdir(mode=0o700, exist_ok=True)


def test_a_folder_in_place_of_the_process_id_is_told_and_left(home: Home) -> None:
    home.pid.mkdir()
    with pytest.raises(EnvironmentFault, match="pid cannot be written"), locked_home(home):
        pass
    assert home.pid.is_dir()


def test_a_file_is_no_home(home: Home) -> None:
    with pytest.raises(EnvironmentFault, match="is no folder"):
        open_home(home.store)


@pytest.mark.parametrize("file", ["store.key", "molva.db"])
def test_half_a_home(home: Home, file: str) -> None:
    (home.folder / file).unlink()
    with pytest.raises(StoreDamaged, match=f"{file} is missing.*24 words"):
        open_home(home.folder)


@pytest.mark.parametrize("mode", [0o701, 0o710, 0o750, 0o755, 0o777, 0o702])
def test_open_to_others(home: Home, mode: int) -> None:
    home.folder.chmod(mode)
    with pytest.raises(EnvironmentFault, match=f"mode 0{mode:o}.*Run: chmod 700 {home.folder}"):
        open_home(home.folder)
    home.folder.chmod(0o700)
    open_home(home.folder)


def test_of_another_user(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = home.folder.stat().st_uid
    monkeypatch.setattr("os.geteuid", lambda: owner + 1)
    with pytest.raises(EnvironmentFault, match=f"belongs to another user \\(number {owner}\\)"):
        open_home(home.folder)


def test_one_node_at_a_time(home: Home) -> None:
    with locked_home(home):
        assert stat.S_IMODE(home.lock.stat().st_mode) == 0o600
        assert stat.S_IMODE(home.pid.stat().st_mode) == 0o600
        with pytest.raises(StoreLocked, match=f"running in {home.folder} .process {os.getpid()}."):
            enter_and_leave(home)
        assert home.pid.read_text() == f"{os.getpid()}\n"
    assert not home.pid.exists()
    enter_and_leave(home)


def enter_and_leave(home: Home) -> None:
    with locked_home(home):
        pass


@pytest.mark.parametrize("said", [b"", b"garbage", b"12 34", "١٢".encode()])
def test_the_other_node_did_not_say_who_it_is(home: Home, said: bytes) -> None:
    with locked_home(home):
        home.pid.write_bytes(said)
        with pytest.raises(StoreLocked, match=f"A node is running in {home.folder}\\.$"):
            enter_and_leave(home)
        home.pid.unlink()
        with pytest.raises(StoreLocked, match=f"A node is running in {home.folder}\\.$"):
            enter_and_leave(home)


HOLDER = """
import sys
from pathlib import Path
from p2p.adapters.home import Home, locked_home

with locked_home(Home(Path(sys.argv[1]))):
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_a_killed_node_lets_go(home: Home) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(home.folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(StoreLocked, match=f"process {other.pid}"):
            enter_and_leave(home)
        other.send_signal(signal.SIGKILL)
        other.wait(timeout=30)
    assert home.pid.read_text() == f"{other.pid}\n"
    with locked_home(home):
        assert home.pid.read_text() == f"{os.getpid()}\n"


def test_a_link_in_place_of_the_lock_or_the_pid_is_not_followed(home: Home) -> None:
    precious = home.folder / "precious"
    precious.write_bytes(b"untouched")
    for name in (home.pid, home.lock):
        name.unlink(missing_ok=True)
        name.symlink_to(precious)
        with pytest.raises(EnvironmentFault, match="cannot be written"):
            enter_and_leave(home)
    assert precious.read_bytes() == b"untouched"


def test_a_file_system_without_locks(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(EnvironmentFault, match="No locks available"):
        enter_and_leave(home)
