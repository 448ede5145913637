"""The program as people and systemd meet it: start, refusals, signals, kill -9."""

from __future__ import annotations

import os
import random
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from p2p.adapters.keystores import PlainKeystore
from p2p.adapters.sqlite.store import open_store
from p2p.adapters.system import SystemEntropy
from p2p.control.schema import Send
from p2p.control.socket_path import socket_path
from p2p.errors import MolvaError, NodeNotRunning
from p2p.node.profile import note_clock
from tests.integration.daemons import Daemon, befriend, pages, stop_all, wait_for


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[[str], Daemon]]:
    made: list[Daemon] = []

    def make(name: str) -> Daemon:
        made.append(Daemon(tmp_path / name))
        return made[-1]

    yield make
    stop_all(made)


def sentence(said: str) -> str:
    """The one line that a refusal is."""
    (line,) = said.splitlines()
    assert line.startswith("molva: ")
    assert len(line) < 400
    return line


# --- init ----------------------------------------------------------------------------------------
def test_init_gives_the_keys_and_recover_gives_the_account_back(
    make: Callable[[str], Daemon],
) -> None:
    made = make("alice").init("--name", "Alice", "--no-passphrase")
    assert len(made["words"]) == 24
    assert made["name"] == "Alice"
    again = make("again").init("--no-passphrase", "--recover", text=" ".join(made["words"]) + "\n")
    assert again["account_key"] == made["account_key"]
    assert again["peer_id"] != made["peer_id"]


def test_init_does_not_touch_what_is_there(make: Callable[[str], Daemon]) -> None:
    alice = make("alice")
    alice.init()
    before = {path: path.read_bytes() for path in alice.home.rglob("*") if path.is_file()}
    done = alice.program("init", "--no-passphrase")
    assert done.returncode == 1
    assert "already" in sentence(done.stderr)
    assert before == {path: path.read_bytes() for path in alice.home.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("options", "text", "said"),
    [
        (["--no-passphrase", "--recover"], "one two three\n", "words"),
        (["--passphrase-stdin"], "\n", "passphrase"),
        (["--no-passphrase", "--name", "x" * 100], "", "name"),
        ([], "", "--passphrase-file"),
    ],
)
def test_init_says_what_cannot_be(
    make: Callable[[str], Daemon], options: list[str], text: str, said: str
) -> None:
    alice = make("alice")
    done = alice.program("init", *options, text=text)
    assert done.returncode == 1
    assert said in sentence(done.stderr)
    assert not alice.home.exists()


def test_options_that_do_not_exist_are_a_usage_error(make: Callable[[str], Daemon]) -> None:
    alice = make("alice")
    assert alice.program("init", "--no-passphrase", "--keyring").returncode == 2
    assert alice.program("fly").returncode == 2


# --- run -----------------------------------------------------------------------------------------
def test_a_node_starts_refuses_a_second_one_and_ends_cleanly(
    make: Callable[[str], Daemon],
) -> None:
    alice = make("alice")
    alice.init()
    alice.start()
    with alice.client() as client:
        assert client.status().pid == int((alice.home / "node.pid").read_text())
        second = alice.program("run", "--no-mdns")
        assert second.returncode == 1
        assert "running" in sentence(second.stderr)
        assert client.status().pid
    code, said = alice.end(signal.SIGTERM)
    assert code == 0
    assert "Traceback" not in said
    assert not socket_path(alice.home, os.getuid()).exists()
    assert not (alice.home / "node.pid").exists()
    with pytest.raises(NodeNotRunning):
        alice.client().status()
    alice.start()
    with alice.client() as client:
        client.stop()
    assert alice.join()[0] == 0


def test_a_neighbour_hears_of_the_end_at_once(make: Callable[[str], Daemon]) -> None:
    alice, bob = make("alice"), make("bob")
    for one in (alice, bob):
        one.init()
        one.start()
    with alice.client() as client:
        client.add_peer(bob.address)
        assert len(client.status().neighbours) == 1
        assert bob.end(signal.SIGINT)[0] == 0
        wait_for(lambda: client.status().neighbours == [], 5)
    assert alice.end(signal.SIGTERM)[0] == 0


def test_a_passphrase_is_needed_and_checked(make: Callable[[str], Daemon], tmp_path: Path) -> None:
    alice = make("alice")
    alice.init("--passphrase-stdin", text="correct horse\n")
    wrong = alice.program("run", "--passphrase-stdin", text="battery staple\n")
    assert wrong.returncode == 1
    assert "passphrase" in sentence(wrong.stderr)
    none = alice.program("run")
    assert none.returncode == 1
    assert "--passphrase-file" in sentence(none.stderr)
    secret = tmp_path / "secret"
    secret.write_text("correct horse\n")
    secret.chmod(0o644)
    assert "chmod 600" in alice.program("run", "--passphrase-file", str(secret)).stderr
    secret.chmod(0o600)
    alice.start("--passphrase-file", str(secret))
    assert alice.end(signal.SIGTERM)[0] == 0


def test_a_damaged_store_is_refused_and_left_alone(make: Callable[[str], Daemon]) -> None:
    alice = make("alice")
    alice.init()
    store = alice.home / "molva.db"
    data = bytearray(store.read_bytes())
    data[5_000] ^= 1
    store.write_bytes(data)
    done = alice.program("run", "--no-mdns")
    assert done.returncode == 1
    assert "damaged" in done.stderr
    assert "Traceback" not in done.stderr
    assert store.read_bytes() == data
    doctor = alice.program("doctor")
    assert doctor.returncode == 1
    assert "damaged" in doctor.stdout


def test_a_full_disk_is_said_and_nothing_is_lost(make: Callable[[str], Daemon]) -> None:
    alice = make("alice")
    words = alice.init()["words"]
    done = alice.program("run", "--no-mdns", file_size_max_bytes=1_024)
    assert done.returncode == 1
    sentence(done.stderr)
    assert words
    alice.start()
    assert alice.end(signal.SIGTERM)[0] == 0


def test_a_clock_behind_the_last_run_is_refused_until_it_is_accepted(
    make: Callable[[str], Daemon],
) -> None:
    alice = make("alice")
    alice.init()
    key = PlainKeystore(alice.home / "store.key", SystemEntropy()).unlock()
    store = open_store(alice.home / "molva.db", key)
    with store.transaction():
        note_clock(store, time.time() + 8 * 86_400)
    store.close()
    done = alice.program("run", "--no-mdns")
    assert done.returncode == 1
    assert "clock" in sentence(done.stderr)
    assert "--accept-clock" in done.stderr
    alice.start("--accept-clock")
    assert alice.end(signal.SIGTERM)[0] == 0
    alice.start()


def test_settings_that_cannot_be_are_refused(make: Callable[[str], Daemon]) -> None:
    alice = make("alice")
    alice.init()
    (alice.home / "config.toml").write_text("[link]\nstrikes_max = 0\n")
    done = alice.program("run", "--no-mdns")
    assert done.returncode == 1
    assert "link.strikes_max must be a whole number from 1 to 100" in sentence(done.stderr)


def test_an_address_in_use_is_refused(make: Callable[[str], Daemon]) -> None:
    alice = make("alice")
    alice.init()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        address = f"/ip4/127.0.0.1/tcp/{other.getsockname()[1]}"
        done = alice.program("run", "--no-mdns", "--listen", address)
    assert done.returncode == 1
    assert address in sentence(done.stderr)


def test_no_home_is_refused(make: Callable[[str], Daemon]) -> None:
    done = make("nobody").program("run")
    assert done.returncode == 1
    assert "molva init" in sentence(done.stderr)


def test_the_doctor_finds_a_whole_home_whole(make: Callable[[str], Daemon]) -> None:
    alice = make("alice")
    alice.init()
    done = alice.program("doctor")
    assert done.returncode == 0, done.stdout
    alice.start()
    running = alice.program("doctor")
    assert running.returncode == 1
    assert "running" in sentence(running.stderr)
    with alice.client() as client:
        outcomes = {check.name: check.outcome for check in client.doctor()}
    assert outcomes["listening"] == outcomes["store"] == outcomes["control-socket"] == "ok"


def test_two_who_know_only_a_third_meet_through_the_dht(make: Callable[[str], Daemon]) -> None:
    hub, alice, bob = make("hub"), make("alice"), make("bob")
    hub.init()
    hub.start("--dht")
    for one in (alice, bob):
        one.init()
        one.start("--dht", "--bootstrap", hub.address)
    with alice.client() as client, bob.client() as other:
        wanted = other.status().peer_id
        wait_for(lambda: wanted in [one.peer_id for one in client.status().neighbours], 90)
        assert next(one for one in client.peers() if one.peer_id == wanted).state == "neighbour"


# --- kill -9 -------------------------------------------------------------------------------------
def send_until_killed(daemon: Daemon, to: str, prefix: str) -> list[str]:
    """Send one message after another until the node dies; give the texts that it accepted."""
    accepted: list[str] = []
    with daemon.client() as client:
        for number in range(10_000):
            text = f"{prefix}/{number}"
            try:
                client.send(Send(contact=to, text=text))
            except MolvaError:
                break
            accepted.append(text)
    return accepted


def test_kill_minus_nine_loses_no_accepted_message_and_shows_none_twice(
    make: Callable[[str], Daemon],
) -> None:
    """Ten rounds: in turn the sender or the recipient dies at a random moment while sending."""
    moments = random.Random(20)
    alice, bob = make("alice"), make("bob")
    for one in (alice, bob):
        one.init("--no-passphrase", "--name", one.home.name)
        one.start()
    befriend(alice, bob)
    accepted: list[str] = []
    for number in range(10):
        victim = (alice, bob)[number % 2]
        assert victim.process is not None
        timer = threading.Timer(moments.uniform(0.0, 0.5), victim.process.kill)
        timer.start()
        if victim is alice:
            accepted += send_until_killed(alice, "bob", f"{number}")
        else:
            with alice.client() as client:
                while bob.process is not None and bob.process.poll() is None:
                    text = f"{number}/{len(accepted)}"
                    client.send(Send(contact="bob", text=text))
                    accepted.append(text)
        victim.join()
        victim.start()
        with alice.client() as client:
            client.add_peer(bob.address)
    assert len(accepted) > 20
    wait_for(lambda: set(accepted) <= {message.text for message in bob.inbox()}, 60)
    texts = [message.text for message in bob.inbox()]
    assert len(texts) == len(set(texts)), "a message was shown twice"
    with alice.client() as client:
        wait_for(lambda: {one.state for one in pages(client, "out")} == {"delivered"}, 60)
