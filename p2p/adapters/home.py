"""The home folder: which files a profile has, who may see them, and one node at a time.

docs/spec/home.md lists the files. Where the control socket is, is the control API's rule.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from p2p.adapters.private_files import cannot_write, sync_folder
from p2p.errors import Conflict, EnvironmentFault, HomeMissing, StoreDamaged, StoreLocked

_FOLDER_MODE: Final = 0o700
_PID_SIZE_MAX_BYTES: Final = 20


@dataclass(frozen=True, slots=True)
class Home:
    """Where the files of one profile are; ``folder`` is absolute and free of links."""

    folder: Path

    @property
    def store(self) -> Path:
        """The store."""
        return self.folder / "molva.db"

    @property
    def key(self) -> Path:
        """The wrapped store key."""
        return self.folder / "store.key"

    @property
    def lock(self) -> Path:
        """What a running node holds a lock on; never deleted."""
        return self.folder / "node.lock"

    @property
    def pid(self) -> Path:
        """The running node's process id."""
        return self.folder / "node.pid"

    @property
    def config(self) -> Path:
        """Settings; may be missing."""
        return self.folder / "config.toml"

    @property
    def verifier_memory(self) -> Path:
        """What the stateless verifier remembers; may be there before there is a profile."""
        return self.folder / "verifier.db"

    @property
    def logs(self) -> Path:
        """The folder of the logs."""
        return self.folder / "logs"

    @property
    def log(self) -> Path:
        """The running log."""
        return self.logs / "node.log"


def open_home(folder: Path) -> Home:
    """Give the home in ``folder``, after a look at who else could read it.

    Raises:
        HomeMissing: there is no profile.
        EnvironmentFault: it is another user's, or open to others.
        StoreDamaged: one of its two indispensable files is missing.
    """
    home = Home(folder.expanduser().resolve())
    try:
        check_private(home.folder)
    except FileNotFoundError as exc:
        raise _no_profile(home) from exc
    present = {path for path in (home.store, home.key) if path.exists()}
    if not present:
        raise _no_profile(home)
    for path in (home.store, home.key):
        if path not in present:
            raise StoreDamaged(
                f"{path} is missing, so this home cannot be opened. Nothing was changed or "
                "deleted. Put back a backup of the whole home, or set this home aside and "
                "recover the account from its 24 words."
            )
    return home


@contextmanager
def making_home(folder: Path) -> Generator[Home, None, None]:
    """Give a home under construction; on leaving it becomes ``folder``, whole and in one step.

    The work is done in a hidden folder beside it. Where an earlier making was interrupted, its
    remains are cleared away first: nobody has ever used them or been shown their words. On an
    exception nothing stays. Everything in it must be closed before leaving.

    A verifier's memory that is there already moves in with it.

    Raises:
        Conflict: ``folder`` has a profile, or anything else.
        StoreLocked: it is being made at this moment, or a verification uses its memory.
        StoreFull: no room.
        EnvironmentFault: the place cannot be written, or somebody else could.
    """
    home = Home(folder.expanduser().resolve())
    _refuse_taken(home)
    unfinished = home.folder.with_name(f".{home.folder.name}.unfinished")
    try:
        home.folder.parent.mkdir(parents=True, exist_ok=True)
        unfinished.mkdir(mode=_FOLDER_MODE, exist_ok=True)
    except OSError as exc:
        raise cannot_write(unfinished, exc) from exc
    check_private(unfinished)
    making = Home(unfinished)
    with _locked(making, "It is being made by another process"):
        _clear(making)
        try:
            making.logs.mkdir(mode=_FOLDER_MODE)
            yield making
            _publish(making, home)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise


@contextmanager
def locked_home(home: Home) -> Generator[None, None, None]:
    """Hold the home for one node; the system releases it however the process ends.

    Raises:
        StoreLocked: another node has it; the message names its process.
        EnvironmentFault: the folder cannot be written.
    """
    with _locked(home, f"A node is running in {home.folder}{_running(home)}"):
        _write_pid(home.pid)
        try:
            yield
        finally:
            home.pid.unlink(missing_ok=True)


def _no_profile(home: Home) -> HomeMissing:
    return HomeMissing(f"There is no profile in {home.folder}. Make one with: molva init")


def check_private(folder: Path) -> None:
    """Refuse a folder that is another user's, or that others can look into.

    Raises:
        EnvironmentFault: it is; the message says what to do.
        FileNotFoundError: it is not there.
    """
    info = folder.lstat()
    if not stat.S_ISDIR(info.st_mode):
        raise EnvironmentFault(f"{folder} is no folder.")
    if info.st_uid != os.geteuid():
        raise EnvironmentFault(
            f"{folder} belongs to another user (number {info.st_uid}): use a home of your own."
        )
    mode = stat.S_IMODE(info.st_mode)
    if mode & 0o077:
        raise EnvironmentFault(
            f"{folder} is open to other users (mode {mode:04o}). Run: chmod 700 {folder}"
        )


def _refuse_taken(home: Home) -> None:
    try:
        names = {path.name for path in home.folder.iterdir()}
    except FileNotFoundError:
        return
    except NotADirectoryError as exc:
        raise Conflict(f"{home.folder} is, or lies in, a file.") from exc
    except OSError as exc:
        raise EnvironmentFault(f"{home.folder} cannot be read: {exc.strerror}.") from exc
    if home.store.name in names or home.key.name in names:
        raise Conflict(f"There is a profile in {home.folder} already.")
    if names - _memory_names(home):
        raise Conflict(f"{home.folder} is not empty. Name a folder that is not there yet.")


def _clear(making: Home) -> None:
    """Empty a folder under construction, but for the lock that we hold."""
    try:
        for path in making.folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path != making.lock:
                path.unlink()
    except OSError as exc:
        raise cannot_write(making.folder, exc) from exc


def _publish(making: Home, home: Home) -> None:
    try:
        with _memory_moved(home, making):
            sync_folder(making.folder)
            making.folder.rename(home.folder)  # also onto an empty folder
        sync_folder(home.folder.parent)
    except OSError as exc:
        if exc.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise Conflict(f"{home.folder} has been made by somebody else meanwhile.") from exc
        if exc.errno in (errno.EXDEV, errno.EBUSY):
            raise EnvironmentFault(
                f"{home.folder} is where a device is mounted: use a folder inside it."
            ) from exc
        raise cannot_write(home.folder, exc) from exc


def _memory_names(home: Home) -> set[str]:
    name = home.verifier_memory.name
    return {name, f"{name}-journal"}


@contextmanager
def _memory_moved(home: Home, making: Home) -> Generator[None, None, None]:
    """Carry a verifier's memory over, while nobody uses it; put it back where the rest fails."""
    try:
        descriptor = os.open(home.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield
        return
    moved: list[str] = []
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for name in sorted(_memory_names(home)):
            if (home.folder / name).exists():
                os.link(home.folder / name, making.folder / name)
                moved.append(name)
        for name in moved:
            (home.folder / name).unlink()
        yield
    except BaseException as exc:
        for name in moved:
            with suppress(FileExistsError, FileNotFoundError):
                os.link(making.folder / name, home.folder / name)
        if isinstance(exc, BlockingIOError):
            raise StoreLocked(f"A verification is going on in {home.folder}.") from exc
        raise
    finally:
        os.close(descriptor)


@contextmanager
def _locked(home: Home, otherwise: str) -> Generator[None, None, None]:
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(home.lock, flags, 0o600)
    except OSError as exc:
        raise cannot_write(home.lock, exc) from exc
    try:
        _take_lock(home, descriptor, otherwise)
        yield
    finally:
        os.close(descriptor)


def _take_lock(home: Home, descriptor: int, otherwise: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # A folder under construction may have taken its place since the lock file was opened.
        same = os.path.samestat(os.fstat(descriptor), home.lock.lstat())
    except (BlockingIOError, FileNotFoundError) as exc:
        raise StoreLocked(f"{otherwise}.") from exc
    except OSError as exc:
        raise cannot_write(home.lock, exc) from exc
    if not same:
        raise StoreLocked(f"{otherwise}.")


def _running(home: Home) -> str:
    """Tell which process has the home, as far as it has said so."""
    try:
        with home.pid.open("rb") as file:
            said = file.read(_PID_SIZE_MAX_BYTES).strip()
    except OSError:
        return ""
    return f" (process {said.decode()})" if said.isdigit() else ""


def _write_pid(path: Path) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
            file.write(b"%d\n" % os.getpid())
    except OSError as exc:
        raise cannot_write(path, exc) from exc
