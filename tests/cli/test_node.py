"""init and node: the node's own program is a stand-in with the same arguments."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from types import SimpleNamespace

import pytest

from cli import background, passphrase
from cli.context import Session
from cli.failures import CommandFailed
from tests.cli.command_line import DAEMON, CommandLine
from tests.cli.fake_daemon import PASSPHRASE, WORDS

ROOT = Path(__file__).parents[2]
DRIVER = (
    f"import sys; from cli.context import Session; from cli.main import run; "
    f"sys.exit(run(sys.argv[1:], Session(daemon={DAEMON!r})))"
)


@pytest.fixture
def home(molva: CommandLine) -> Generator[Path, None, None]:
    """A home without a profile; a node that a test leaves behind is stopped."""
    molva.home /= "home"
    yield molva.home
    molva("node", "stop")


@pytest.fixture
def passphrase_file(tmp_path: Path) -> Path:
    path = tmp_path / "passphrase"
    path.touch(0o600)
    path.write_text(f"{PASSPHRASE}\nanother line\n")
    return path


def _log(home: Path) -> str:
    return (home / "logs" / "node.log").read_text()


def test_init_shows_the_words_once(molva: CommandLine, home: Path, passphrase_file: Path) -> None:
    outcome = molva("init", "--name", "Alice", "--passphrase-file", str(passphrase_file))
    assert outcome.code == 0
    assert all(f"{n:>2} {word}" in outcome.out for n, word in enumerate(WORDS, 1))
    assert "shown this once" in outcome.out
    assert "Whoever has them is you" in outcome.out
    assert str(home) in outcome.out
    assert (home / "passphrase").read_text() == PASSPHRASE


def test_init_without_a_passphrase_says_what_it_gives_up(molva: CommandLine, home: Path) -> None:
    outcome = molva("init", "--no-passphrase", "--json")
    assert outcome.json["words"] == WORDS
    assert "can read your messages" in outcome.err


def test_init_twice_is_refused(molva: CommandLine, home: Path) -> None:
    assert molva("init", "--keyring").code == 0
    again = molva("init", "--keyring")
    assert (again.code, again.out) == (1, "")
    assert again.err == f"molva: There is a profile in {home} already.\n"


def test_recover_tells_what_is_not_in_the_words(molva: CommandLine, home: Path) -> None:
    made = molva("init", "--recover", "--no-passphrase", stdin=" ".join(WORDS) + "\n")
    assert made.code == 0
    assert "Give each contact a new invite" in made.out
    assert home.exists()


def test_recover_reads_words_and_does_not_show_them(
    molva: CommandLine, home: Path, passphrase_file: Path
) -> None:
    options = ["--recover", "--passphrase-file", str(passphrase_file)]
    outcome = molva("init", *options, stdin=" ".join(WORDS).upper() + "\n")
    assert outcome.code == 0
    assert "word1 " not in outcome.out
    assert (home / "passphrase").read_text() == PASSPHRASE


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "sentence"),
    [
        (["init"], "", 2, "no terminal to ask for a passphrase"),
        (["init", "--keyring", "--no-passphrase"], "", 2, "Only one of"),
        (["init", "--passphrase-file", "/nowhere/at/all"], "", 2, "does not exist"),
        (["init", "--recover", "--keyring"], "one two three\n", 1, "24 words; these are 3"),
        (["init", "--recover", "--keyring"], "", 1, "24 words; these are 0"),
        (["init", "--recover", "--keyring"], "x " * 24, 1, "one of them is mistyped"),
        (["node", "run"], "", 1, "There is no profile in"),
        (["node", "start"], "", 1, "There is no profile in"),
        (["node", "start", "--api-tcp", "70000"], "", 2, "70000 is not in the range"),
        (["node", "logs"], "", 1, "There is no log at"),
        (["node", "logs", "--lines", "0"], "", 2, "0 is not in the range"),
        (["node", "restart"], "", 2, "No such command 'restart'"),
        (["completion", "tcsh"], "", 2, "is not one of 'bash', 'zsh', 'fish'"),
        (["version", "2"], "", 2, "unexpected extra argument"),
        (["--home", __file__, "version"], "", 2, "is a file"),
    ],
)
def test_bad_input_has_a_sentence_and_a_code(
    molva: CommandLine, home: Path, arguments: list[str], stdin: str, code: int, sentence: str
) -> None:
    outcome = molva(*arguments, stdin=stdin)
    assert (outcome.code, outcome.out) == (code, "")
    assert sentence in outcome.err


def test_an_empty_passphrase_file_is_refused(
    molva: CommandLine, home: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.touch(0o600)
    empty.write_bytes(b"\nsecond")
    assert "is empty" in molva("init", "--passphrase-file", str(empty)).err
    empty.write_bytes(b"\xff\n")
    assert "no UTF-8" in molva("init", "--passphrase-file", str(empty)).err


def test_a_passphrase_file_that_others_may_read_is_refused_at_once(
    molva: CommandLine, home: Path, passphrase_file: Path
) -> None:
    passphrase_file.chmod(0o640)
    outcome = molva("init", "--passphrase-file", str(passphrase_file))
    assert outcome.code == 1
    assert f"chmod 600 {passphrase_file}" in outcome.err
    assert not home.exists()


def test_a_log_that_has_grown_large_is_set_aside(
    molva: CommandLine, home: Path, passphrase_file: Path
) -> None:
    molva("init", "--passphrase-file", str(passphrase_file))
    log = background.log_file(home)
    log.parent.mkdir(mode=0o700)
    log.write_bytes(b"x" * (background.LOG_SIZE_MAX_BYTES + 1))
    old = log.with_name("node.log.1")
    old.write_bytes(b"older still")
    assert molva("node", "start", "--passphrase-file", str(passphrase_file)).code == 0
    assert old.read_bytes()[:2] == b"xx"
    assert log.stat().st_size < background.LOG_SIZE_MAX_BYTES


def test_start_status_logs_stop(molva: CommandLine, home: Path, passphrase_file: Path) -> None:
    molva("init", "--passphrase-file", str(passphrase_file))
    assert molva("node", "status").code == 3
    started = molva(
        "node", "start", "--passphrase-file", str(passphrase_file), "--no-dht", "--mdns",
        "--listen", "/ip4/127.0.0.1/tcp/0", "--peer", "-odd", "--peer", "b", "--api-tcp", "0",
        "--log-level", "debug", "--accept-clock",
    )  # fmt: skip
    assert started.code == 0, started.err
    status = molva("node", "status", "--json").json
    assert started.out == f"The node runs (process {status['pid']}).\n"
    assert molva("node", "start").err == (
        f"molva: The node is running already (process {status['pid']}).\n"
    )
    shown = molva("node", "status").out
    assert f"(process {status['pid']})" in shown
    assert "carries      3 envelopes (1.5 kB), 2 delivery proofs\n" in shown
    assert "12D3KooWCarol  /ip4/127.0.0.1/tcp/4002" in shown
    stopped = molva("node", "stop")
    assert stopped.out == f"The node has stopped (process {status['pid']}).\n"
    assert not background.is_alive(int(str(status["pid"])))
    assert molva("node", "stop").code == 3
    assert (
        f"arguments: --home={home} --listen=/ip4/127.0.0.1/tcp/0 --peer=-odd --peer=b --mdns "
        f"--no-dht --api-tcp=0 --log-level=debug --accept-clock "
        f"--passphrase-file={passphrase_file}\n"
    ) in _log(home)
    assert molva("node", "logs", "-n", "1").out == "ended cleanly\n"
    assert molva("node", "logs", "-n", "1", "--json").json == {"line": "ended cleanly"}
    assert stat.S_IMODE((home / "logs" / "node.log").stat().st_mode) == 0o600


def test_a_node_in_the_background_outlives_its_shell(molva: CommandLine, home: Path) -> None:
    molva("init", "--no-passphrase")
    pid = molva("node", "start", "--json").json["pid"]
    assert os.getsid(pid) == pid


def test_a_node_that_cannot_start_says_why(molva: CommandLine, home: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.touch(0o600)
    wrong.write_text("wrong")
    molva("init", "--passphrase-file", str(wrong))
    (home / "passphrase").write_text("right")
    started = molva("node", "start", "--passphrase-file", str(wrong))
    assert started.code == 1
    assert started.err == "molva: The node has not started: The passphrase is wrong.\n"


def test_a_node_without_room_for_its_log_is_told_so(
    molva: CommandLine, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    molva("init", "--no-passphrase")
    silent = Session(home_option=str(home), daemon=(sys.executable, "-c", "raise SystemExit(1)"))
    started = background.start(silent, [], "")
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=0))
    with pytest.raises(CommandFailed, match=r"no room left for .*node\.log"):
        background.wait_until_up(silent, started, 0)


def test_a_node_that_never_answers(
    molva: CommandLine, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    molva("init", "--no-passphrase")
    monkeypatch.setenv("FAKE_DAEMON", "hangs")
    monkeypatch.setattr(background, "START_WAIT_S", 0.3)
    started = molva("node", "start", "--json")
    assert started.code == 4
    assert "does not answer after" in str(started.failure["detail"])
    pid = int(str(started.failure["detail"]).split("process ")[1].split(")")[0])
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_a_node_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "STOP_WAIT_S", 0.1)
    with pytest.raises(Exception, match="has not ended after") as caught:
        background.wait_until_gone(os.getpid())
    assert caught.value.exit_code == 4


def test_the_foreground_needs_its_passphrase(
    molva: CommandLine, home: Path, passphrase_file: Path
) -> None:
    molva("init", "--passphrase-file", str(passphrase_file))
    outcome = molva("node", "run")
    assert outcome.code == 2
    assert "use --passphrase-file" in outcome.err


def test_the_foreground_node_has_our_process_and_our_signals(
    molva: CommandLine, home: Path
) -> None:
    molva("init", "--no-passphrase")
    command = [sys.executable, "-c", DRIVER, "--home", str(home), "node", "run", "--no-mdns"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == f"arguments: --home={home} --no-mdns\n"
        assert process.stdout.readline() == "ready\n"
        assert molva("node", "status", "--json").json["pid"] == process.pid
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "ended cleanly\n"
        assert process.wait(20) == 0


def test_following_the_log(molva: CommandLine, home: Path) -> None:
    molva("init", "--no-passphrase")
    log = home / "logs" / "node.log"
    log.parent.mkdir()
    log.write_text("one\ntwo\x1b[2J\n")
    command = [sys.executable, "-m", "cli.main", "--home", str(home), "node", "logs", "--follow"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert [process.stdout.readline() for _ in range(2)] == ["one\n", "two\\x1b[2J\n"]
        with log.open("a") as file:
            file.write("three\n")
        assert process.stdout.readline() == "three\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def test_doctor_without_a_node(molva: CommandLine, home: Path, passphrase_file: Path) -> None:
    molva("init", "--passphrase-file", str(passphrase_file))
    options = ["--offline", "--passphrase-file", str(passphrase_file)]
    found = molva("doctor", *options)
    assert (found.code, found.err) == (1, "")
    assert found.out.splitlines()[1].split() == ["failed", "disk", "No", "room."]
    assert molva("doctor", *options, "--json").json["checks"][0]["name"] == "disk"
    passphrase_file.write_text("wrong")
    refused = molva("doctor", *options)
    assert (refused.code, refused.out) == (1, "")
    assert refused.err == "molva: The passphrase is wrong.\n"
    assert "use --passphrase-file" in molva("doctor", "--offline").err


@pytest.mark.parametrize("content", [b"", b"\x93\x01", b"\x93\x01\xc4\x01\x90\xc4\x00", b"text"])
def test_a_damaged_key_file_is_left_to_the_node(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "store.key").write_bytes(content)
    assert not passphrase.is_needed(tmp_path)


def test_version(molva: CommandLine) -> None:
    assert molva("version").out == "molva 0.1.0, control API v1\n"
    assert molva("version", "--json").json == {"version": "0.1.0", "api": "v1"}


def test_a_home_without_its_key_is_the_node_s_to_judge(molva: CommandLine, home: Path) -> None:
    """Not "there is no profile": `molva init` would say that there is one."""
    home.mkdir(mode=0o700)
    (home / "molva.db").write_bytes(b"a store")
    assert molva("node", "start").code == 0  # the stand-in starts in any home


def test_a_log_that_cannot_be_written_is_told(molva: CommandLine, home: Path) -> None:
    assert molva("init", "--no-passphrase").code == 0
    (home / "logs").touch()
    outcome = molva("node", "start")
    assert (outcome.code, outcome.err) == (
        1,
        f"molva: {home}/logs/node.log cannot be written: File exists.\n",
    )
    assert molva("node", "logs").code in {0, 1}
