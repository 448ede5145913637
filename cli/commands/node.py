"""``molva node``."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypedDict, TypeVar, Unpack

import click

from cli import background, passphrase
from cli.context import Session, pass_session
from cli.failures import CommandFailed
from cli.grammar import MolvaGroup
from cli.output import moment, safe_line, size

Decorated = TypeVar("Decorated", bound=Callable[..., object])
_FOLLOW_POLL_S: Final = 0.3


class RunOptions(TypedDict):
    """How the node is to run; what is None is left to the profile's settings."""

    listen: tuple[str, ...]
    peer: tuple[str, ...]
    bootstrap: tuple[str, ...]
    mdns: bool | None
    dht: bool | None
    api_tcp: int | None
    log_level: str | None
    accept_clock: bool
    passphrase_file: Path | None


def _arguments(options: RunOptions, home: Path) -> list[str]:
    """Give the arguments of the node's program, but for the passphrase."""
    given = [f"--home={home}"]
    given += [f"--listen={address}" for address in options["listen"]]
    given += [f"--peer={address}" for address in options["peer"]]
    given += [f"--bootstrap={address}" for address in options["bootstrap"]]
    for name, chosen in (("mdns", options["mdns"]), ("dht", options["dht"])):
        if chosen is not None:
            given.append(f"--{name}" if chosen else f"--no-{name}")
    if options["api_tcp"] is not None:
        given.append(f"--api-tcp={options['api_tcp']}")
    if options["log_level"] is not None:
        given.append(f"--log-level={options['log_level']}")
    if options["accept_clock"]:
        given.append("--accept-clock")
    return given


def _run_options(command: Decorated) -> Decorated:
    options = (
        click.option("--listen", multiple=True, metavar="MULTIADDR", help="Listen here."),
        click.option("--peer", multiple=True, metavar="MULTIADDR", help="Dial this node."),
        click.option(
            "--bootstrap", multiple=True, metavar="MULTIADDR", help="Begin the DHT with this node."
        ),
        click.option("--mdns/--no-mdns", default=None, help="Find nodes on the local network."),
        click.option(
            "--dht/--no-dht", default=None, help="Find nodes by the DHT (--bootstrap implies it)."
        ),
        click.option(
            "--api-tcp",
            type=click.IntRange(0, 65_535),
            default=None,
            metavar="PORT",
            help="Offer the control API on this loopback port too, with tokens; 0 for any.",
        ),
        click.option(
            "--log-level",
            type=click.Choice(["debug", "info", "warning", "error"]),
            default=None,
            help="How much the log says.",
        ),
        click.option(
            "--accept-clock", is_flag=True, help="Take the clock, though it is behind the last run."
        ),
        click.option(
            "--passphrase-file",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            default=None,
            help="Take the passphrase from the first line of this file.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group(cls=MolvaGroup)
def node() -> None:
    """Run, start, stop and watch the node.

    The node is the program that sends, receives and carries; all else only talks to it.

    \b
    Example:
      molva node start
    """


@node.command()
@_run_options
@pass_session
def run(session: Session, **options: Unpack[RunOptions]) -> None:
    """Run the node in the foreground; Ctrl-C ends it.

    \b
    Examples:
      molva node run
      molva node run --listen /ip4/0.0.0.0/tcp/4001 --no-dht
    """
    background.check_profile(session.home)
    arguments, secret = _with_passphrase(session, options)
    background.replace_self(session, arguments, secret)


@node.command()
@_run_options
@pass_session
def start(session: Session, **options: Unpack[RunOptions]) -> None:
    """Start the node in the background.

    Returns once the node answers. What it says goes to `molva node logs`.

    \b
    Examples:
      molva node start
      molva node start --peer /ip4/192.0.2.7/tcp/4001/p2p/12D3KooW...
    """
    background.check_profile(session.home)
    running = _running(session)
    if running is not None:
        raise CommandFailed(f"The node is running already (process {running}).", code="conflict")
    arguments, secret = _with_passphrase(session, options)
    log_from = background.log_end(session.home)
    process = background.start(session, arguments, secret)
    process_id = background.wait_until_up(session, process, log_from)
    if session.screen.as_json:
        session.screen.value({"pid": process_id})
    else:
        session.screen.line(f"The node runs (process {process_id}).")


@node.command()
@pass_session
def stop(session: Session) -> None:
    """Stop the node; returns once it has ended.

    \b
    Example:
      molva node stop
    """
    process_id = session.client.status().pid
    session.client.stop()
    session.client.close()
    background.wait_until_gone(process_id)
    if session.screen.as_json:
        session.screen.value({"pid": process_id})
    else:
        session.screen.line(f"The node has stopped (process {process_id}).")


@node.command()
@pass_session
def status(session: Session) -> None:
    """Show what the node is doing; exits with 3 where none runs.

    \b
    Example:
      molva node status
    """
    found = session.client.status()
    if session.screen.as_json:
        session.screen.value(found)
        return
    carried = found.custody
    session.screen.fields(
        [
            ("node", f"running since {moment(found.started_s)} (process {found.pid})"),
            ("version", found.version),
            ("name", found.name),
            ("account key", found.account_key),
            ("peer id", found.peer_id),
            *(("listens at", address) for address in found.addresses),
            *((way, state) for way, state in found.discovery.items()),
            ("router", found.router),
            (
                "carries",
                f"{carried.count} envelopes ({size(carried.size_bytes)}), "
                f"{carried.proofs} delivery proofs",
            ),
            ("neighbours", str(len(found.neighbours))),
        ]
    )
    if found.neighbours:
        session.screen.line()
        rows = [(n.peer_id, n.address, moment(n.since_s)) for n in found.neighbours]
        session.screen.table(("NEIGHBOUR", "ADDRESS", "SINCE"), rows)


@node.command()
@click.option("--lines", "-n", type=click.IntRange(1, 10_000), default=50, show_default=True)
@click.option("--follow", "-f", is_flag=True, help="Go on as the log grows; Ctrl-C ends it.")
@pass_session
def logs(session: Session, lines: int, follow: bool) -> None:  # noqa: FBT001
    """Show the log of the node in the background.

    \b
    Examples:
      molva node logs
      molva node logs --follow
    """
    path = background.log_file(session.home)
    if not path.exists():
        raise CommandFailed(f"There is no log at {path} yet.", code="unknown-name")
    position = path.stat().st_size
    _show_lines(session, background.tail(path, lines))
    try:
        while follow:
            time.sleep(_FOLLOW_POLL_S)
            end = path.stat().st_size if path.exists() else 0
            if end != position:
                # A log that has become shorter was begun anew.
                _show_lines(session, background.tail(path, lines, min(position, end)))
                position = end
    except KeyboardInterrupt:
        return


def _show_lines(session: Session, lines: list[str]) -> None:
    for line in lines:
        if session.screen.as_json:
            session.screen.value({"line": line})
        else:
            session.screen.line(safe_line(line))


def _with_passphrase(session: Session, options: RunOptions) -> tuple[list[str], str]:
    """Give the arguments of the node's program, and what it is to read from standard input."""
    way, secret = passphrase.for_program(session.home, options["passphrase_file"])
    return [*_arguments(options, session.home), *way], secret


def _running(session: Session) -> int | None:
    from p2p.control.client import NodeNotRunning

    try:
        return session.client.status().pid
    except NodeNotRunning:
        return None
