"""The node's own program: started, replaced by, and waited for."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from cli.failures import CommandFailed, ExitCode

if TYPE_CHECKING:
    from cli.context import Session

START_WAIT_S: Final = 30.0
STOP_WAIT_S: Final = 30.0
POLL_S: Final = 0.05
LOG_TAIL_LINES: Final = 5
LOG_SIZE_MAX_BYTES: Final = 5_000_000
"""A log that has grown beyond this is set aside when the node starts; one old one is kept."""
_LOG_TAIL_BYTES: Final = 65_536
_OUR_PREFIX: Final = "molva: "
"""With which the node's program begins its one sentence, as we do ours."""


def log_file(home: Path) -> Path:
    """Give the log of a node in the background."""
    return home / "logs" / "node.log"


def check_profile(home: Path) -> None:
    """Make sure that there is a profile to run.

    Raises:
        CommandFailed: there is none.
    """
    if not any((home / name).exists() for name in ("store.key", "molva.db")):
        raise CommandFailed(
            f"There is no profile in {home}. Make one with: molva init", code="home-missing"
        )


def start(session: Session, arguments: Sequence[str], passphrase: str) -> subprocess.Popen[bytes]:
    """Start a node that outlives this process; its output goes to the log.

    The passphrase goes through a pipe: neither arguments nor the environment are secret.

    Raises:
        CommandFailed: the log cannot be written.
    """
    with _open_log(log_file(session.home)) as output:
        process = subprocess.Popen(  # noqa: S603 - our own program, no shell
            [*session.daemon, "run", *arguments],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    assert process.stdin is not None, "it was asked for"
    try:
        process.stdin.write(passphrase.encode() + b"\n" if passphrase else b"")
        process.stdin.close()
    except BrokenPipeError:
        pass  # It has ended already: the caller will see that, and why.
    return process


def _open_log(log: Path) -> BinaryIO:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        log.parent.mkdir(mode=0o700, exist_ok=True)
        return os.fdopen(os.open(log, flags, 0o600), "ab")
    except OSError as exc:
        raise CommandFailed(f"{log} cannot be written: {exc.strerror}.") from exc


def log_end(home: Path) -> int:
    """Give where a node that is about to start begins to log, after setting aside a log that has
    grown too large: that becomes ``node.log.1``.
    """
    log = log_file(home)
    size_bytes = log.stat().st_size if log.exists() else 0
    if size_bytes <= LOG_SIZE_MAX_BYTES:
        return size_bytes
    log.replace(log.with_name(f"{log.name}.1"))
    return 0


def wait_until_up(session: Session, process: subprocess.Popen[bytes], log_from: int) -> int:
    """Give the process id of the node that answers.

    Raises:
        CommandFailed: it has ended, or does not answer within ``START_WAIT_S``.
    """
    from p2p.control.client import NodeNotRunning

    deadline = time.monotonic() + START_WAIT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            said = tail(log_file(session.home), LOG_TAIL_LINES, log_from)
            reason = said[-1].strip() if said else _unsaid_reason(session.home, process.returncode)
            reason = reason.removeprefix(_OUR_PREFIX)
            raise CommandFailed(f"The node has not started: {reason}")
        try:
            process_id = session.client.status().pid
        except NodeNotRunning:
            time.sleep(POLL_S)
        else:
            _let_go(process)
            return process_id
    _let_go(process)
    raise CommandFailed(
        f"The node (process {process.pid}) does not answer after {START_WAIT_S:.0f} s. "
        "See: molva node logs",
        ExitCode.TIMED_OUT,
        "timed-out",
    )


def _unsaid_reason(home: Path, code: int) -> str:
    """Give why a node may have ended that could write nothing into its log."""
    if not shutil.disk_usage(home).free:
        return f"The device has no room left for {log_file(home)}."
    return f"It ended with code {code}."


def _let_go(process: subprocess.Popen[bytes]) -> None:
    """Leave the process to itself: Popen warns of one that it still thinks is its own."""
    process.returncode = 0


def wait_until_gone(process_id: int) -> None:
    """Wait for a process to end.

    Raises:
        CommandFailed: it has not within ``STOP_WAIT_S``.
    """
    deadline = time.monotonic() + STOP_WAIT_S
    while is_alive(process_id):
        if time.monotonic() > deadline:
            raise CommandFailed(
                f"The node (process {process_id}) has not ended after {STOP_WAIT_S:.0f} s.",
                ExitCode.TIMED_OUT,
                "timed-out",
            )
        time.sleep(POLL_S)


def is_alive(process_id: int) -> bool:
    """Tell whether a process runs; one that only waits to be reaped does not."""
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        stat = Path(f"/proc/{process_id}/stat").read_text()
    except OSError:
        return True  # No /proc here: it answers to its number, so it runs.
    return not stat.rpartition(")")[2].lstrip().startswith("Z")


def replace_self(session: Session, arguments: Sequence[str], passphrase: str) -> None:
    """Become the node's program: it has our terminal, our signals, and ends our shell's wait."""
    if passphrase:
        # A pipe holds 64 KiB without a reader, and a passphrase is shorter.
        read_end, write_end = os.pipe()
        os.write(write_end, passphrase.encode() + b"\n")
        os.close(write_end)
        os.dup2(read_end, 0)
        os.close(read_end)
    command = [*session.daemon, "run", *arguments]
    os.execv(command[0], command)  # noqa: S606 - our own program, no shell


def make_profile(session: Session, arguments: Sequence[str], secrets: Sequence[str]) -> bytes:
    """Run the program that makes a profile; give what it prints.

    Raises:
        CommandFailed: with its own sentence.
    """
    return _ask_program(session, ["init", *arguments], secrets)


def examine_profile(session: Session, arguments: Sequence[str], secret: str) -> bytes:
    """Run the program that examines a profile whose node does not run; give what it prints.

    Raises:
        CommandFailed: with its own sentence.
    """
    return _ask_program(session, ["doctor", *arguments], [secret] if secret else [])


def _ask_program(session: Session, words: Sequence[str], secrets: Sequence[str]) -> bytes:
    done = subprocess.run(  # noqa: S603 - our own program, no shell
        [*session.daemon, *words],
        input="".join(f"{secret}\n" for secret in secrets).encode(),
        capture_output=True,
        check=False,
    )
    # A doctor that finds faults ends with 1 too, but has something to print.
    if done.returncode and not done.stdout:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        sentence = said[-1] if said else f"It ended with code {done.returncode}."
        exit_code = ExitCode.USAGE if done.returncode == ExitCode.USAGE else ExitCode.REFUSED
        raise CommandFailed(sentence.removeprefix(_OUR_PREFIX), exit_code)
    return done.stdout


def tail(path: Path, lines: int, start: int = 0) -> list[str]:
    """Give the last lines of a log, as far as they begin after byte ``start``."""
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(start, end - _LOG_TAIL_BYTES))
            return file.read().decode(errors="replace").splitlines()[-lines:]
    except (FileNotFoundError, NotADirectoryError):
        return []
