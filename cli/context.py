"""What all commands of one invocation share: the home, the way of speaking, the node."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from cli.output import Screen
    from p2p.control.client import ControlClient

DAEMON: Final = (sys.executable, "-m", "p2p.daemon")


@dataclass(slots=False)
class Session:
    """One invocation of ``molva``.

    Attributes:
        home_option: what ``--home`` said; the latest one counts, the empty string means none.
        json: whether ``--json`` was given, anywhere.
        daemon: the command that runs the node's own program.
    """

    home_option: str = ""
    json: bool = False
    daemon: tuple[str, ...] = DAEMON
    _opened: list[ControlClient] = field(default_factory=list["ControlClient"])

    @property
    def home(self) -> Path:
        """The profile's folder: ``--home``, ``MOLVA_HOME``, or the place for user data."""
        chosen = self.home_option or os.environ.get("MOLVA_HOME", "")
        try:
            if chosen:
                return Path(chosen).expanduser().resolve()
            data = os.environ.get("XDG_DATA_HOME", "")
            root = Path(data) if data.startswith("/") else Path.home() / ".local" / "share"
            return (root / "molva").resolve()
        except RuntimeError as exc:  # so pathlib says of ~nobody, and of links in a circle
            message = f"The home {chosen or '~'} leads nowhere: {str(exc).rstrip('.')}."
            raise click.UsageError(message) from exc

    @cached_property
    def screen(self) -> Screen:
        """Where answers are shown."""
        from cli.output import Screen

        return Screen(as_json=self.json)

    @cached_property
    def client(self) -> ControlClient:
        """The running node's control API; connects with the first request."""
        # Importing it takes as long as all of click, and `molva --help` has no use for it.
        from p2p.control.client import ControlClient

        client = ControlClient(self.home)
        self._opened.append(client)
        return client

    def close(self) -> None:
        """Close what was opened."""
        for client in self._opened:
            client.close()


pass_session: Final = click.make_pass_decorator(Session)
