"""``molva doctor``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli import background, passphrase
from cli.context import Session, pass_session
from cli.failures import CommandFailed, ExitCode
from cli.grammar import MolvaCommand

if TYPE_CHECKING:
    from p2p.control.schema import Check


@click.command(cls=MolvaCommand)
@click.option("--offline", is_flag=True, help="Examine the profile while its node does not run.")
@click.option(
    "--passphrase-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    help="With --offline: take the passphrase from the first line of this file.",
)
@pass_session
def doctor(session: Session, offline: bool, passphrase_file: Path | None) -> int:  # noqa: FBT001
    """Find out what works here.

    The node tries its addresses, mDNS, the DHT, its clock and its disk. With --offline the store
    and the settings are examined instead, as a start would. Exits with 1 where something failed.

    \b
    Examples:
      molva doctor
      molva doctor --offline
    """
    from p2p.control.schema import Diagnosis

    checks = _examine(session, passphrase_file) if offline else session.client.doctor()
    if session.screen.as_json:
        session.screen.value(Diagnosis(checks=checks))
    else:
        rows = [(check.outcome, check.name, check.detail) for check in checks]
        session.screen.table(("OUTCOME", "CHECK", "FINDING"), rows)
    failed = any(check.outcome == "failed" for check in checks)
    return int(ExitCode.REFUSED if failed else ExitCode.DONE)


def _examine(session: Session, passphrase_file: Path | None) -> list[Check]:
    import msgspec

    from p2p.control.schema import Check

    way, secret = passphrase.for_program(session.home, passphrase_file)
    said = background.examine_profile(session, [f"--home={session.home}", *way], secret)
    try:
        return msgspec.json.decode(said, type=list[Check])
    except msgspec.DecodeError as exc:
        raise CommandFailed("The findings were not understood.") from exc
