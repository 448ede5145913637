"""``molva inbox``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import click

from cli.commands.message import other_side, short_id
from cli.context import Session, pass_session
from cli.grammar import MolvaCommand
from cli.output import moment, safe_text

if TYPE_CHECKING:
    from p2p.control.schema import Message

NEWEST_SHOWN: Final = 20
_PAGE: Final = 200


@click.command(cls=MolvaCommand)
@click.option("--follow", is_flag=True, help="Go on showing messages as they come; Ctrl-C ends it.")
@click.option("--all", "everything", is_flag=True, help="Show all messages, the oldest first.")
@click.option("--unread", is_flag=True, help="Show only what was not shown before.")
@click.option("--keep-unread", is_flag=True, help="Do not mark what is shown as read.")
@pass_session
def inbox(
    session: Session,
    follow: bool,  # noqa: FBT001
    everything: bool,  # noqa: FBT001
    unread: bool,  # noqa: FBT001
    keep_unread: bool,  # noqa: FBT001
) -> None:
    """Read what has come in.

    Shows the newest 20 messages; new ones are marked with a star. What was shown is marked as
    read. With --json each message is one line.

    \b
    Examples:
      molva inbox
      molva inbox --unread --follow
      molva inbox --all --json | jq -r .text
    """
    if everything and unread:
        raise click.UsageError("Either --all or --unread.")
    reader = _Reader(session, keep_unread=keep_unread)
    if follow:
        try:
            reader.follow(_stored(session, everything=everything, unread=unread))
        except KeyboardInterrupt:
            return
        return
    reader.show_all(_stored(session, everything=everything, unread=unread))
    if session.screen.as_json:
        return
    if not reader.shown:
        session.screen.line("Nothing new." if unread else "Nothing has come in yet.")
    asked = session.client.credentials.requests(direction="in", state="open")
    if asked:
        what = "A question for a credential waits" if len(asked) == 1 else "Questions wait"
        session.screen.note(f"{what} for you: molva credential requests")


def _stored(session: Session, *, everything: bool, unread: bool) -> Iterator[list[Message]]:
    """Give the messages that are here, in pages."""
    if not everything and not unread:
        yield session.client.newest_messages(direction="in", limit=NEWEST_SHOWN)
        return
    after: int | None = 0
    while after is not None:
        page = session.client.messages(
            direction="in", state="received" if unread else "", after=after, limit=_PAGE
        )
        yield page.messages
        after = page.next_after


class _Reader:
    """Shows incoming messages once each, and marks them as read after they were shown."""

    def __init__(self, session: Session, *, keep_unread: bool) -> None:
        self._session = session
        self._keep_unread = keep_unread
        self._last_order = 0
        self.shown = 0

    def show_all(self, pages: Iterator[list[Message]]) -> None:
        for page in pages:
            self._show(page)

    def follow(self, pages: Iterator[list[Message]]) -> None:
        """Show what is here, then what comes; a break in the stream loses nothing."""
        first = True
        while True:
            # Listening begins before the messages are read, so that none can fall in between.
            with self._session.client.events() as stream:
                for event in stream:
                    match event.event:
                        case "stream.opened" if first:
                            newest = self._session.client.newest_messages(direction="in", limit=1)
                            self.show_all(pages)
                            # What was here and not asked for stays away after a break too.
                            orders = (message.order for message in newest)
                            self._last_order = max(self._last_order, *orders, 0)
                            first = False
                        case "stream.opened" | "stream.missed":
                            self._catch_up()
                        case _ if event.message is not None:
                            self._show([event.message])
                        case _:
                            pass

    def _catch_up(self) -> None:
        after: int | None = self._last_order
        while after is not None:
            page = self._session.client.messages(direction="in", after=after, limit=_PAGE)
            self._show(page.messages)
            after = page.next_after

    def _show(self, messages: list[Message]) -> None:
        fresh = [message for message in messages if message.order > self._last_order]
        for message in fresh:
            self._write(message)
            self._last_order = message.order
        self.shown += len(fresh)
        unread = [message.id for message in fresh if message.state == "received"]
        if unread and not self._keep_unread:
            self._session.client.mark_read(unread)

    def _write(self, message: Message) -> None:
        screen = self._session.screen
        if screen.as_json:
            screen.value(message)
            return
        mark = "*" if message.state == "received" else " "
        head = f"{mark} {moment(message.created_s)}  {short_id(message)}"
        screen.line(f"{head}  {screen.strong(other_side(message))}: {safe_text(message.text)}")
