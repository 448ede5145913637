"""``molva version``."""

from __future__ import annotations

import click

from cli.context import Session, pass_session
from cli.grammar import MolvaCommand


@click.command(cls=MolvaCommand)
@pass_session
def version(session: Session) -> None:
    """Say which Molva this is.

    \b
    Example:
      molva version
    """
    from p2p.control.schema import API_VERSION, PRODUCT_VERSION

    if session.screen.as_json:
        session.screen.value({"version": PRODUCT_VERSION, "api": f"v{API_VERSION}"})
    else:
        session.screen.line(f"molva {PRODUCT_VERSION}, control API v{API_VERSION}")
