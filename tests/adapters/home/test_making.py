"""Making a home: whole or not at all, and nothing of anybody else's is touched."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from p2p.adapters.home import Home, locked_home, making_home, open_home
from p2p.errors import Conflict, EnvironmentFault, HomeMissing, StoreFull, StoreLocked

ROOT = Path(__file__).parents[3]


def build(home: Home) -> None:
    home.store.write_bytes(b"store")
    home.key.write_bytes(b"key")


def make(folder: Path) -> Home:
    with making_home(folder) as home:
        build(home)
    return open_home(folder)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_files_of_a_home(tmp_path: Path) -> None:
    home = make(tmp_path / "home")
    assert home == Home(tmp_path / "home")
    assert names(home.folder) == ["logs", "molva.db", "node.lock", "store.key"]
    assert names(tmp_path) == ["home"]
    assert stat.S_IMODE(home.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(home.logs.stat().st_mode) == 0o700
    assert home.log == tmp_path / "home" / "logs" / "node.log"
    assert home.config == tmp_path / "home" / "config.toml"
    assert home.pid == tmp_path / "home" / "node.pid"


def test_folders_above_it_are_made(tmp_path: Path) -> None:
    assert make(tmp_path / "a" / "b" / "home").folder.is_dir()


def test_an_empty_folder_may_be_there(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o755)
    home = make(tmp_path / "home")
    assert stat.S_IMODE(home.folder.stat().st_mode) == 0o700


def test_a_way_that_leads_over_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert make(tmp_path / "link" / "home").folder == tmp_path / "real" / "home"


@pytest.mark.parametrize("file", ["molva.db", "store.key"])
def test_a_profile_is_never_replaced(tmp_path: Path, file: str) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / file).write_bytes(b"precious")
    with pytest.raises(Conflict, match="There is a profile in"), making_home(folder):
        raise NotImplementedError
    assert (folder / file).read_bytes() == b"precious"
    assert names(tmp_path) == ["home"]


def test_a_folder_with_anything_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "photo.jpg").touch()
    with pytest.raises(Conflict, match="is not empty"), making_home(tmp_path / "home"):
        raise NotImplementedError


def test_a_file_in_its_place_or_on_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "home"):
        with pytest.raises(Conflict, match="is, or lies in, a file"), making_home(folder):
            raise NotImplementedError


def test_a_folder_that_cannot_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(EnvironmentFault, match="cannot be read"), making_home(tmp_path / "home"):
        raise NotImplementedError


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / ".home.unfinished").touch()
    with pytest.raises(EnvironmentFault, match="cannot be written"), making_home(tmp_path / "home"):
        raise NotImplementedError


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with making_home(tmp_path / "home") as home:
            build(home)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert names(tmp_path) == []
    make(tmp_path / "home")


KILLED = """
import os, signal, sys
from pathlib import Path
from p2p.adapters.home import making_home

with making_home(Path(sys.argv[1])) as home:
    home.key.write_bytes(b"half made")
    (home.folder / "deep" / "er").mkdir(parents=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_after_a_kill_it_can_be_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    subprocess.run([sys.executable, "-c", KILLED, str(folder)], cwd=ROOT, check=False, timeout=60)
    assert names(tmp_path) == [".home.unfinished"]
    with pytest.raises(HomeMissing, match="molva init"):
        open_home(folder)
    home = make(folder)
    assert names(tmp_path) == ["home"]
    assert home.key.read_bytes() == b"key"
    assert not (folder / "deep").exists()


def test_two_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    with making_home(folder) as home:
        with pytest.raises(StoreLocked, match="being made by another process"):
            make(folder)
        build(home)
    with pytest.raises(Conflict):
        make(folder)


def test_the_other_one_was_faster(tmp_path: Path) -> None:
    folder = tmp_path / "home"

    def overtaken() -> None:
        with making_home(folder) as home:
            build(home)
            folder.mkdir()
            (folder / "store.key").write_bytes(b"of the other")

    with pytest.raises(Conflict, match="meanwhile"):
        overtaken()
    assert (folder / "store.key").read_bytes() == b"of the other"
    assert names(tmp_path) == ["home"]


def test_the_other_one_publishes_before_we_take_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unfinished = tmp_path / ".home.unfinished"

    def publish(descriptor: int, operation: int) -> None:
        (unfinished / "store.key").write_bytes(b"of the other")
        unfinished.rename(tmp_path / "home")

    monkeypatch.setattr("fcntl.flock", publish)
    with pytest.raises(StoreLocked):
        make(tmp_path / "home")
    assert (tmp_path / "home" / "store.key").read_bytes() == b"of the other"


def test_a_third_one_begins_before_we_take_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unfinished = tmp_path / ".home.unfinished"

    def publish(descriptor: int, operation: int) -> None:
        unfinished.rename(tmp_path / "home")
        unfinished.mkdir(mode=0o700)
        (unfinished / "node.lock").touch()
        (unfinished / "store.key").write_bytes(b"of the third")

    monkeypatch.setattr("fcntl.flock", publish)
    with pytest.raises(StoreLocked):
        make(tmp_path / "home")
    assert (unfinished / "store.key").read_bytes() == b"of the third"


@pytest.mark.parametrize(
    ("failure", "expected", "said"),
    [
        (OSError(errno.EBUSY, "Device or resource busy"), EnvironmentFault, "mounted"),
        (OSError(errno.EXDEV, "Invalid cross-device link"), EnvironmentFault, "mounted"),
        (OSError(errno.ENOSPC, "No space left on device"), StoreFull, "no room left"),
        (OSError(errno.EACCES, "Permission denied"), EnvironmentFault, "Permission denied"),
    ],
)
def test_a_refused_last_step(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure: OSError,
    expected: type[Exception],
    said: str,
) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise failure

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", refuse)
        with pytest.raises(expected, match=said):
            make(tmp_path / "home")
    assert names(tmp_path) == []


def test_a_folder_planted_where_ours_is_to_be_made(tmp_path: Path) -> None:
    planted = tmp_path / ".home.unfinished"
    planted.mkdir()
    planted.chmod(0o777)
    with pytest.raises(EnvironmentFault, match="open to other users"):
        make(tmp_path / "home")
    planted.rmdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    planted.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EnvironmentFault, match="is no folder"):
        make(tmp_path / "home")


def test_remains_that_cannot_be_cleared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unfinished = tmp_path / ".home.unfinished"
    unfinished.mkdir(mode=0o700)
    (unfinished / "left").touch()

    def refuse(self: Path, *, missing_ok: bool = False) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(EnvironmentFault, match="not permitted"):
        make(tmp_path / "home")


def test_a_made_home_can_be_locked(tmp_path: Path) -> None:
    home = make(tmp_path / "home")
    with locked_home(home):
        assert home.pid.read_text() == f"{os.getpid()}\n"
