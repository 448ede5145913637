"""What moves in an abstract run: messages, rows of custody, nodes, and the two ways of a link.

Sets of messages are integers with a bit per message. Messages are numbered from the smallest to the
largest, so the lowest bit of a set is the one that production's order of transfer sends first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from simulations.trace import Creation, Trail

EVICTION_PART: Final = 64
"""One in so many of the greediest neighbour's messages leaves at a time, but one at least."""


def number_by_size(creations: Sequence[Creation]) -> list[Creation]:
    """Give creations smallest first; equals in order of creation."""
    return sorted(creations, key=lambda creation: creation.size_bytes)


class Row:
    """One message in one node's custody.

    Attributes:
        index: the message's number.
        copies: copies that the router counts here.
        depositor: address of the neighbour that it came from; the node itself for own mail.
    """

    __slots__ = ("copies", "depositor", "index", "received_s", "size_bytes", "trail")

    def __init__(
        self, index: int, size_bytes: int, copies: int, depositor: int, received_s: float
    ) -> None:
        self.index = index
        self.size_bytes = size_bytes
        self.copies = copies
        self.depositor = depositor
        self.received_s = received_s
        self.trail: Trail = (depositor, None)


class Way:
    """One direction of a link; it carries one body at a time.

    Attributes:
        row: the sender's row that is on its way, or None.
        copies: the router's count when the transfer began.
        turn: grows with every transfer, so that an arrival of a broken one is told apart.
        up: whether the link exists.
    """

    __slots__ = ("copies", "row", "source", "target", "turn", "up")

    def __init__(self, source: Node, target: Node) -> None:
        self.source = source
        self.target = target
        self.row: Row | None = None
        self.copies = 0
        self.turn = 0
        self.up = True


class Node:
    """One node.

    Attributes:
        rows: custody by message number, in the order of receipt.
        held: messages in custody.
        shared: those of them of which the router would give a neighbour some.
        refused: messages that it would not take: held, under way to it, done with.
        proven: messages that it knows to be delivered.
        out, into: ways from and to its neighbours, by their address, in order of contact.
        strangers_bytes: what it keeps for others.
        depositor_bytes: what each neighbour filled of that.
    """

    __slots__ = (
        "address",
        "depositor_bytes",
        "held",
        "into",
        "out",
        "proven",
        "refused",
        "rows",
        "shared",
        "strangers_bytes",
    )

    def __init__(self, address: int) -> None:
        self.address = address
        self.rows: dict[int, Row] = {}
        self.held = self.shared = self.refused = self.proven = 0
        self.out: dict[int, Way] = {}
        self.into: dict[int, Way] = {}
        self.strangers_bytes = 0
        self.depositor_bytes: dict[int, int] = {}

    def keep(self, row: Row) -> None:
        """Take a row into custody."""
        bit = 1 << row.index
        self.rows[row.index] = row
        self.held |= bit
        self.refused |= bit
        if row.depositor != self.address:
            self.strangers_bytes += row.size_bytes
            self.depositor_bytes[row.depositor] = (
                self.depositor_bytes.get(row.depositor, 0) + row.size_bytes
            )

    def drop(self, row: Row) -> None:
        """Put a row out of custody for good: it stays refused."""
        bit = 1 << row.index
        del self.rows[row.index]
        self.held &= ~bit
        self.shared &= ~bit
        if row.depositor != self.address:
            self.strangers_bytes -= row.size_bytes
            left = self.depositor_bytes.get(row.depositor, 0) - row.size_bytes
            if left > 0:
                self.depositor_bytes[row.depositor] = left
            else:
                self.depositor_bytes.pop(row.depositor, None)

    def evict_for(self, size_bytes: int, limit_bytes: int, now_s: float) -> list[Row]:
        """Make room as production's custody does; give what had to leave.

        Whoever fills most loses the heaviest, by age times size. Own mail stays.
        """
        evicted: list[Row] = []
        while self.strangers_bytes + size_bytes > limit_bytes:
            greediest = max(self.depositor_bytes, key=self.depositor_bytes.__getitem__)
            theirs = [row for row in self.rows.values() if row.depositor == greediest]

            def weight(row: Row) -> float:
                return (now_s - row.received_s + 1.0) * row.size_bytes

            if len(theirs) < 2 * EVICTION_PART:
                heaviest = [max(reversed(theirs), key=weight)]
            else:
                theirs.sort(key=weight)
                heaviest = theirs[: -(len(theirs) // EVICTION_PART) - 1 : -1]
            for row in heaviest:
                self.drop(row)
            evicted += heaviest
        return evicted
