"""Keeps the score of a protocol run from what nodes tell: arrivals, and copies lost."""

from __future__ import annotations

from collections.abc import Sequence

from p2p.core.effects import (
    CustodyDropped,
    CustodyTaken,
    MessageChanged,
    MessageReceived,
    NeighbourChanged,
    Notice,
)
from p2p.ports.store import MessageState
from p2p.wire.ids import MessageId
from simulations.protocol.ledger import Ledger, index_of
from simulations.protocol.links import Parcel
from simulations.protocol.seams import Observer
from simulations.protocol.seat import Seat
from simulations.protocol.tally import Tally, delivery
from simulations.trace import Creation, Trail


class Score:
    """Knows which messages arrived, and what became of copies."""

    def __init__(
        self,
        creations: Sequence[Creation],
        ttl_min: int,
        ledger: Ledger,
        observers: Sequence[Observer],
    ) -> None:
        self.tally = Tally()
        self._creations = creations
        self._ttl_min = ttl_min
        self._ledger = ledger
        self._observers = observers
        self._open: dict[MessageId, int] = {}
        self._delivered: dict[int, None] = {}

    def written(self, message: MessageId, number: int) -> None:
        """Note by which id a node follows a message of the scenario."""
        self._open[message] = number

    def arrived(self, receiver: Seat, parcel: Parcel) -> None:
        """Note a frame that came out of a link, before the receiver has seen it."""
        self.tally.arrived(parcel)
        if parcel.trail is not None:
            receiver.incoming[parcel.envelope] = (receiver.index, parcel.trail)

    def heard(self, seat: Seat, notice: Notice, now_s: float) -> None:
        """Note what a node told."""
        match notice:
            case NeighbourChanged():
                pass  # nothing to count, and the most frequent by far
            case MessageReceived(message):
                number = index_of(message.text)
                if number is not None:
                    self._receive(seat, number, now_s)
            case CustodyTaken(envelope, _):
                trail = seat.incoming.get(envelope)
                if trail is not None:
                    seat.held[envelope] = (trail, now_s)
            case CustodyDropped(envelope, why):
                held = seat.held.pop(envelope, None)
                if held is not None:
                    self.tally.let_go(held[1], now_s, proven=why == "proven")
            case MessageChanged(message_id, _, state, _):
                self._end(message_id, state, now_s)
            case _:
                pass

    def _receive(self, seat: Seat, number: int, now_s: float) -> None:
        """Count a message's first arrival at its recipient."""
        creation = self._creations[number]
        if number in self._delivered or creation.destination != seat.index:
            return
        self._delivered[number] = None
        arrival = delivery(creation, self._trail(seat, number), now_s, self._ttl_min)
        timely = now_s - creation.time_s <= self._ttl_min * 60.0
        if timely:
            self.tally.deliveries.append(arrival)
        else:
            self.tally.late += 1
        for observer in self._observers:
            observer.delivered(arrival, timely=timely)

    def _trail(self, seat: Seat, number: int) -> Trail:
        for envelope in self._ledger.envelopes(number):
            trail = seat.incoming.get(envelope)
            if trail is not None:
                return trail
            if envelope in seat.held:
                return seat.held[envelope][0]
        return (seat.index, None)

    def _end(self, message: MessageId, state: MessageState, now_s: float) -> None:
        """Count the sender's own copy, once its proof came or its lifetime ended."""
        number = self._open.get(message)
        if number is not None and state in (MessageState.DELIVERED, MessageState.EXPIRED):
            del self._open[message]
            since_s = self._creations[number].time_s
            self.tally.let_go(since_s, now_s, proven=state is MessageState.DELIVERED)
