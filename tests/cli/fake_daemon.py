"""Stands in for the node's own program: the same arguments, a fake node behind the real server."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import trio

from p2p.adapters.key_file import KeyringKey, PassphraseKey, PlainKey, write_key_file
from tests.control.api_server import serving
from tests.control.fake_node import BOB, FakeNodeApi, contact_view

PASSPHRASE = "correct horse"
WORDS = [f"word{number}" for number in range(1, 25)]


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def refuse(sentence: str, code: int = 1) -> None:
    sys.stderr.write(f"molva: {sentence}\n")
    sys.exit(code)


def init(given: argparse.Namespace) -> None:
    if (given.home / "store.key").exists():
        refuse(f"There is a profile in {given.home} already.")
    lines = sys.stdin.read().splitlines()
    passphrase = lines.pop(0) if given.passphrase_stdin else ""
    if given.recover and lines.pop(0).split() != WORDS:
        refuse("These 24 words are no account: one of them is mistyped.")
    given.home.mkdir(mode=0o700, exist_ok=True)
    if given.passphrase_stdin:
        (given.home / "passphrase").write_text(passphrase)
        entry = PassphraseKey(1, 8_192, bytes(16), bytes(24), bytes(48))
    elif given.keyring:
        entry = KeyringKey("molva")
    else:
        entry = PlainKey(bytes(32))
    assert not lines, lines
    write_key_file(given.home / "store.key", entry)
    keys = {"account_key": "a1" * 32, "peer_id": "12D3KooWMe", "device_key": "d1" * 32}
    say(json.dumps(keys | {"words": WORDS}))


def run(given: argparse.Namespace) -> None:
    say(" ".join(["arguments:", *sys.argv[2:]]))
    refuse_wrong_passphrase(given)
    if os.environ.get("FAKE_DAEMON") == "hangs":
        time.sleep(60)
    trio.run(serve, given.home)


def refuse_wrong_passphrase(given: argparse.Namespace) -> None:
    passphrase = sys.stdin.readline().rstrip("\n") if given.passphrase_stdin else ""
    if given.passphrase_file:
        passphrase = given.passphrase_file.read_text().splitlines()[0]
    expected = given.home / "passphrase"
    if expected.exists() and expected.read_text() != passphrase:
        refuse("The passphrase is wrong.")


def doctor(given: argparse.Namespace) -> None:
    refuse_wrong_passphrase(given)
    checks = [{"name": "disk", "outcome": "failed", "detail": "No room."}]
    say(json.dumps(checks, indent=2))
    sys.exit(1)


async def serve(home: Path) -> None:
    node = FakeNodeApi([contact_view(BOB, "bob")])
    stopping = trio.Event()
    node.on_stop = stopping.set
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with trio.open_nursery() as nursery:

            async def on_signal() -> None:
                async for _ in signals:
                    stopping.set()

            nursery.start_soon(on_signal)
            async with serving(node, home):
                say("ready")
                await stopping.wait()
            nursery.cancel_scope.cancel()
    say("ended cleanly")


def main() -> None:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    for name, action in (("init", init), ("run", run), ("doctor", doctor)):
        command = commands.add_parser(name)
        command.set_defaults(action=action)
        command.add_argument("--home", type=Path, required=True)
        command.add_argument("--passphrase-stdin", action="store_true")
        command.add_argument("--passphrase-file", type=Path)
        for flag in ("--keyring", "--no-passphrase", "--recover", "--mdns", "--no-mdns"):
            command.add_argument(flag, action="store_true")
        for flag in ("--dht", "--no-dht", "--accept-clock"):
            command.add_argument(flag, action="store_true")
        command.add_argument("--name", default="")
        command.add_argument("--log-level")
        command.add_argument("--api-tcp", type=int)
        for flag in ("--listen", "--peer", "--bootstrap"):
            command.add_argument(flag, action="append")
    given = parser.parse_args()
    given.action(given)


if __name__ == "__main__":
    main()
