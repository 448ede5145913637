"""``molva doctor``."""

from __future__ import annotations

import click

from cli.context import Session, pass_session
from cli.failures import ExitCode
from cli.grammar import MolvaCommand


@click.command(cls=MolvaCommand)
@pass_session
def doctor(session: Session) -> int:
    """Find out what works here.

    The node tries its addresses, mDNS, the DHT, its clock and its disk. Exits with 1 where
    something failed.

    \b
    Example:
      molva doctor
    """
    from p2p.control.schema import Diagnosis

    checks = session.client.doctor()
    if session.screen.as_json:
        session.screen.value(Diagnosis(checks=checks))
    else:
        rows = [(check.outcome, check.name, check.detail) for check in checks]
        session.screen.table(("OUTCOME", "CHECK", "FINDING"), rows)
    failed = any(check.outcome == "failed" for check in checks)
    return int(ExitCode.REFUSED if failed else ExitCode.DONE)
