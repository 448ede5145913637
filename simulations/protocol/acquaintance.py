"""Lets those who write to each other in a scenario meet before it begins."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

from simulations.protocol.people import Party, meet
from simulations.protocol.seat import Seat
from simulations.trace import Creation


def acquaint(seats: Sequence[Seat], creations: Sequence[Creation]) -> None:
    """Make sender and recipient of each message contacts; their stores then hold the sessions."""
    pairs = dict.fromkeys(
        (min(c.source, c.destination), max(c.source, c.destination)) for c in creations
    )
    parties: dict[int, Party] = {}
    with ExitStack() as transactions:
        for first, second in pairs:
            if first == second:
                continue
            for index in (first, second):
                if index not in parties:
                    seat = seats[index]
                    transactions.enter_context(seat.store.transaction())
                    parties[index] = seat.party(seat.prepared_book(0.0))
            meet(parties[first], parties[second], seats[first].clock_s(0.0))
        for party in parties.values():
            party.book.flush()
