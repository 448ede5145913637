"""The options of the node's own program; people use ``molva``, which calls it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from p2p.daemon.secrets import PassphraseSource
from p2p.node.logs import LEVELS


@dataclass(frozen=True, slots=True)
class InitOptions:
    """``init``: where, called what, protected how, and whether words come from standard input."""

    home: Path
    name: str
    passphrase: PassphraseSource
    keyring: bool
    plain: bool
    recover: bool


@dataclass(frozen=True, slots=True)
class RunOptions:
    """``run``: what goes before, or beside, ``config.toml``; None leaves it as the file says."""

    home: Path
    passphrase: PassphraseSource
    listen: tuple[str, ...]
    peers: tuple[str, ...]
    bootstrap: tuple[str, ...]
    mdns: bool | None
    dht: bool | None
    api_tcp_port: int | None
    ready_descriptor: int | None
    accept_clock: bool
    log_level: str | None


@dataclass(frozen=True, slots=True)
class DoctorOptions:
    """``doctor``: which home, and how to open it."""

    home: Path
    passphrase: PassphraseSource


Options: TypeAlias = InitOptions | RunOptions | DoctorOptions


def parse(words: Sequence[str]) -> Options:
    """Read the command line; on a mistake, print it with the usage and exit with 2."""
    parser = argparse.ArgumentParser(
        prog="python -m p2p.daemon", description="The program of a Molva node."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_init(commands.add_parser("init", help="make a profile, and print its keys as JSON"))
    _add_run(commands.add_parser("run", help="run the node of a profile until it is told to stop"))
    _add_doctor(commands.add_parser("doctor", help="check a profile whose node does not run"))
    found = parser.parse_args(words)
    source = PassphraseSource(found.passphrase_file, found.passphrase_stdin)
    if found.command == "doctor":
        return DoctorOptions(found.home, source)
    if found.command == "init":
        return InitOptions(
            home=found.home,
            name=found.name,
            passphrase=source,
            keyring=found.keyring,
            plain=found.no_passphrase,
            recover=found.recover,
        )
    return RunOptions(
        home=found.home,
        passphrase=source,
        listen=tuple(found.listen),
        peers=tuple(found.peer),
        bootstrap=tuple(found.bootstrap),
        mdns=found.mdns,
        dht=found.dht,
        api_tcp_port=found.api_tcp,
        ready_descriptor=found.ready_fd,
        accept_clock=found.accept_clock,
        log_level=found.log_level,
    )


def _add_home(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--home", type=Path, required=True, help="the profile's folder")


def _add_passphrase(add: Callable[..., object]) -> None:
    add(
        "--passphrase-file",
        type=Path,
        metavar="FILE",
        help="read the passphrase from the first line of a file of yours alone",
    )
    add(
        "--passphrase-stdin",
        action="store_true",
        help="read the passphrase from the first line of standard input",
    )


def _add_init(parser: argparse.ArgumentParser) -> None:
    _add_home(parser)
    parser.add_argument("--name", default="", help="what contacts see you called at first")
    protection = parser.add_mutually_exclusive_group()
    _add_passphrase(protection.add_argument)
    protection.add_argument(
        "--keyring", action="store_true", help="keep the store key in the desktop's keyring"
    )
    protection.add_argument(
        "--no-passphrase",
        action="store_true",
        help="keep the store key in a plain file: whoever has the disk has the mail",
    )
    parser.add_argument(
        "--recover",
        action="store_true",
        help="read the 24 words of an account from standard input (after the passphrase's line)",
    )


def _add_run(parser: argparse.ArgumentParser) -> None:
    _add_home(parser)
    _add_passphrase(parser.add_mutually_exclusive_group().add_argument)
    for option, help_ in (
        ("--listen", "listen at this multiaddress, instead of those in config.toml"),
        ("--peer", "stay in touch with this node, besides those in config.toml"),
        ("--bootstrap", "meet others through this node, besides those in config.toml"),
    ):
        parser.add_argument(option, action="append", default=[], metavar="ADDRESS", help=help_)
    for option, help_ in (
        ("--mdns", "look for nodes on the local network, or not"),
        ("--dht", "take part in the distributed hash table, or not; --bootstrap implies it"),
    ):
        parser.add_argument(option, action=argparse.BooleanOptionalAction, help=help_)
    parser.add_argument(
        "--api-tcp",
        type=int,
        choices=range(65_536),
        metavar="PORT",
        help="serve the control API at this loopback port too, with tokens; 0 for any",
    )
    parser.add_argument(
        "--ready-fd",
        type=int,
        metavar="N",
        help="write a line to this file descriptor once the node is up, and close it",
    )
    parser.add_argument(
        "--accept-clock",
        action="store_true",
        help="take the clock as it is, although it is behind the time of the last run",
    )
    parser.add_argument("--log-level", choices=LEVELS, help="instead of log.level")


def _add_doctor(parser: argparse.ArgumentParser) -> None:
    _add_home(parser)
    _add_passphrase(parser.add_mutually_exclusive_group().add_argument)
