"""What moves in the replayed world: messages, their copies, connections, hosts with buffers."""

from __future__ import annotations

from collections.abc import Iterable

from simulations.compat.java_order import TableSize, spread
from simulations.trace import Creation


class Message:
    """One message, with a bit per node for who holds it and who would still take it.

    Attributes:
        creation: what the scenario says of it.
        key: its name's spread hash.
        recipient_bit: the recipient's bit.
        holders: nodes with a copy in their buffer.
        wanting: nodes that would not refuse it as old, expired or too large.
        open_to: nodes that would take it if they held no copy.
    """

    __slots__ = (
        "creation",
        "expired",
        "holders",
        "key",
        "open_to",
        "recipient",
        "recipient_bit",
        "size_bytes",
        "wanting",
    )

    def __init__(self, creation: Creation, everybody: int) -> None:
        self.creation = creation
        self.size_bytes = creation.size_bytes
        self.key = spread(creation.name)
        self.recipient = creation.destination
        self.recipient_bit = 1 << creation.destination
        self.holders = 0
        self.wanting = everybody
        self.open_to = everybody
        self.expired = False

    def restrict(self, nodes: int) -> None:
        """From now on, only these nodes may take it."""
        self.open_to &= nodes
        self.wanting &= nodes


class Trail:
    """The way of a copy: where it is, and the trail of the copy that it was made from."""

    __slots__ = ("address", "before", "hops")

    def __init__(self, address: int, before: Trail | None) -> None:
        self.address = address
        self.before = before
        self.hops: int = 0 if before is None else before.hops + 1

    def addresses(self) -> tuple[int, ...]:
        """Give the nodes passed, source first."""
        passed: list[int] = []
        step: Trail | None = self
        while step is not None:
            passed.append(step.address)
            step = step.before
        return tuple(reversed(passed))


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
        used_bytes: the sum of their sizes, which a creation may push above the buffer's size.
        links: connections by the peer's address.
        near: bits of the peers connected now.
        sending: the connection on which it sends, until its own update has tidied it.
        receiving: the live connection on which it receives.
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
        "checked_s",
        "copies",
        "links",
        "near",
        "others",
        "receiving",
        "sending",
        "stale",
        "used_bytes",
    )

    def __init__(self, address: int) -> None:
        self.address = address
        self.bit = 1 << address
        self.others = ~self.bit
        self.copies: dict[Message, Copy] = {}
        self.used_bytes = 0
        self.links: dict[int, Connection] = {}
        self.near = 0
        self.sending: Connection | None = None
        self.receiving: Connection | None = None
        self.checked_s = 0.0
        self.stale = False
        self._table = TableSize()
        self._places = 0
        self._newest_s = -1.0
        self._tied = False

    def add(self, copy: Copy) -> None:
        """Put a copy at the end of the queue, in place of an older one of the same message."""
        message = copy.message
        old = self.copies.pop(message, None)
        self.copies[message] = copy
        grew = False
        if old is None:
            self._places += 1
            copy.place = self._places
            self.used_bytes += message.size_bytes
            message.holders |= self.bit
            message.wanting &= self.others
            grew = self._table.add(message.key, len(self.copies))
            if grew:
                self._table.recount(other.key for other in self.copies)
        else:
            copy.place = old.place
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
        message.wanting |= self.bit & message.open_to
        self._table.remove(message.key)

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
