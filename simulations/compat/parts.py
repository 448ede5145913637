"""What moves in the replayed world: messages, their copies, connections, hosts with buffers."""

from __future__ import annotations

from collections.abc import Iterable

from simulations.compat.java_order import TableSize, spread
from simulations.trace import Creation, Trail


class Message:
    """One message, with a bit per node for who holds it and who would still take it.

    Attributes:
        creation: what the scenario says of it.
        key: its name's spread hash.
        recipient_bit: the recipient's bit.
        holders: nodes with a copy in their buffer.
        bit: its own bit in the hosts' sets of messages.
        open_to: nodes that would take it if they held no copy: not those that had it delivered,
            only the recipient once it is expired, nobody if it is larger than a buffer.
    """

    __slots__ = (
        "bit",
        "creation",
        "expired",
        "holders",
        "key",
        "open_to",
        "recipient",
        "recipient_bit",
        "size_bytes",
    )

    def __init__(self, creation: Creation, index: int, everybody: int) -> None:
        self.creation = creation
        self.bit = 1 << index
        self.size_bytes = creation.size_bytes
        self.key = spread(creation.name)
        self.recipient = creation.destination
        self.recipient_bit = 1 << creation.destination
        self.holders = 0
        self.open_to = everybody
        self.expired = False

    def restrict(self, nodes: int, hosts: Iterable[Host]) -> None:
        """From now on, only these nodes may take it."""
        self.open_to &= nodes
        for host in hosts:
            if not nodes & host.bit:
                host.open &= ~self.bit


class Copy:
    """A message in one node's buffer.

    Attributes:
        copies: what the router counts, such as spray-and-wait's copies left.
        received_s: when it came, which orders the queue.
        place: order of insertion into the node's hash map, kept when a copy is replaced.
    """

    __slots__ = ("copies", "message", "place", "received_s", "trail")

    def __init__(self, message: Message, trail: Trail, copies: int, received_s: float) -> None:
        self.message = message
        self.trail = trail
        self.copies = copies
        self.received_s = received_s
        self.place = 0


class Connection:
    """Two hosts within reach; it carries at most one copy at a time.

    Attributes:
        up: whether it still exists; the sender's next update tidies a transfer on a dead one.
        copy: the copy being carried, with what the router counted when the transfer began.
        done_s: when the last byte arrives.
    """

    __slots__ = ("copies", "copy", "done_s", "first", "receiver", "second", "up")

    def __init__(self, first: Host, second: Host) -> None:
        self.first = first
        self.second = second
        self.up = True
        self.copy: Copy | None = None
        self.copies = 0
        self.receiver = second
        self.done_s = 0.0


class Host:
    """One node: its buffer in the order of the queue, its connections in the order of creation.

    Attributes:
        address, bit: its number, and 1 shifted by it.
        copies: what it holds, oldest first; equals in the order of the hash map.
        cargo: bits of recipients for whom it may hold something undelivered; never one too few.
        held, open: messages that it holds, and those that it would not refuse, by their bits.
        used_bytes: the sum of their sizes, which a creation may push above the buffer's size.
        links: connections by the peer's address.
        near: bits of the peers connected now.
        sending: the connection on which it sends, until its own update has tidied it.
        checked_s: when it last looked for expired messages; may lag while the node is idle.
        stale: whether it may hold an expired message.
    """

    __slots__ = (
        "_newest_s",
        "_places",
        "_table",
        "_tied",
        "address",
        "bit",
        "cargo",
        "checked_s",
        "copies",
        "held",
        "links",
        "near",
        "open",
        "others",
        "sending",
        "stale",
        "used_bytes",
    )

    def __init__(self, address: int, messages: int) -> None:
        self.address = address
        self.held = 0
        self.open = (1 << messages) - 1
        self.bit = 1 << address
        self.others = ~self.bit
        self.copies: dict[Message, Copy] = {}
        self.cargo = 0
        self.used_bytes = 0
        self.links: dict[int, Connection] = {}
        self.near = 0
        self.sending: Connection | None = None
        self.checked_s = 0.0
        self.stale = False
        self._table = TableSize()
        self._places = 0
        self._newest_s = -1.0
        self._tied = False

    def add(self, copy: Copy) -> None:
        """Put a copy at the end of the queue, in place of an older one of the same message."""
        message = copy.message
        bit = self.bit
        copies = self.copies
        grew = False
        if message.holders & bit:
            copy.place = copies.pop(message).place
            copies[message] = copy
        else:
            copies[message] = copy
            self._places = copy.place = self._places + 1
            self.cargo |= message.recipient_bit
            self.used_bytes += message.size_bytes
            message.holders |= bit
            self.held |= message.bit
            if message.open_to & bit:
                self.open ^= message.bit
            table = self._table
            if len(copies) >= table.quiet_below and table.add(message.key, len(copies)):
                grew = True
                table.recount(other.key for other in copies)
        if copy.received_s == self._newest_s:
            self._tied = True
            self._sort()
        elif grew and self._tied:
            self._sort()
        self._newest_s = copy.received_s

    def remove(self, copy: Copy) -> None:
        """Take a copy out; whether others may send it here again is up to the message."""
        message = copy.message
        del self.copies[message]
        self.used_bytes -= message.size_bytes
        message.holders ^= self.bit
        self.held ^= message.bit
        if message.open_to & self.bit:
            self.open ^= message.bit
        if not self._table.quiet_below:
            self._table.remove(message.key)

    def oldest_but(self, message: Message | None) -> Copy | None:
        """Give the copy first in the queue, passing over one message; None where nothing is."""
        for held, copy in self.copies.items():
            if held is not message:
                return copy
        return None

    def in_map_order(self, copies: Iterable[Copy]) -> list[Copy]:
        """Give copies held here in the order in which the hash map is walked."""
        mask = self._table.mask
        return sorted(copies, key=lambda copy: (copy.message.key & mask, copy.place))

    def _sort(self) -> None:
        mask = self._table.mask
        ordered = sorted(
            self.copies.values(),
            key=lambda copy: (copy.received_s, copy.message.key & mask, copy.place),
        )
        self.copies = {copy.message: copy for copy in ordered}
