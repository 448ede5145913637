"""An abstract run: contacts and bodies on the kernel's clock, custody as in production.

Rules taken from production: for the recipient first, then the smallest; a body is asked of one
neighbour at a time; what was evicted, or is known to be delivered, is not taken again; a delivery
proof purges copies and spreads to everybody in reach. Idealised: summaries, proofs and refusals
take no time and no bytes, clocks agree, nodes do not fail.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeAlias

from simulations.abstract.parts import Node, Row, Way, number_by_size
from simulations.kernel import Kernel
from simulations.observer import Observer
from simulations.policy import AskedPolicy, CountedPolicy
from simulations.trace import (
    ContactChange,
    Creation,
    Delivery,
    Outcome,
    ReplaySettings,
    addresses,
    remaining_min,
)

if TYPE_CHECKING:
    from simulations.abstract.asked import AskedRouters


class Born(NamedTuple):
    """A message is written at its source."""

    number: int


class Arrived(NamedTuple):
    """The last byte of a body is there, if the transfer was not broken off."""

    way: Way
    turn: int


class Expired(NamedTuple):
    """A message's lifetime ends everywhere."""

    number: int


class Forgot(NamedTuple):
    """A node loses all that it remembers; its links are down at this moment."""

    address: int


Event: TypeAlias = ContactChange | Born | Arrived | Expired | Forgot


class Conduct(Protocol):
    """How a node treats what others give it to carry, where it is not honest."""

    def keeps(self, message: str) -> bool:
        """Tell whether it takes a message into custody, rather than only saying so."""
        ...

    def copies(self, given: int) -> int:
        """Give the count of copies that it claims to have got, 0 to 255."""
        ...


_HONEST: Final[Mapping[int, Conduct]] = MappingProxyType({})


class AbstractWorld:
    """Runs one scenario with one production router.

    Args:
        black_holes: nodes that take others' mail, and keep nothing of it.
        conduct: of the nodes that are not honest, by address.
        forgets: (time, node) of each loss of memory, in order of time.
        observer: is told of everything, where there is one.
    """

    def __init__(
        self,
        settings: ReplaySettings,
        contacts: Sequence[ContactChange],
        creations: Sequence[Creation],
        policy: CountedPolicy,
        black_holes: frozenset[int] = frozenset(),
        *,
        conduct: Mapping[int, Conduct] = _HONEST,
        forgets: Sequence[tuple[float, int]] = (),
        observer: Observer | None = None,
    ) -> None:
        self._black_holes = black_holes
        self._conduct = conduct
        self._observer = observer
        self._settings = settings
        self._policy = policy
        self._creations = number_by_size(creations)
        self._asked: AskedRouters | None = None
        if isinstance(policy, AskedPolicy):
            from simulations.abstract.asked import AskedRouters

            routers = policy.router, policy.copies, settings.nodes, self._creations
            self._asked = AskedRouters(*routers)
        self.nodes = [Node(address) for address in range(settings.nodes)]
        self._bound_for = [0] * settings.nodes
        self._expired = 0
        self._keepers: list[list[Node]] = [[] for _ in self._creations]
        self._rate = settings.rate_bytes_per_s
        self._buffer_bytes = settings.buffer_bytes
        agenda: list[tuple[float, int, Event]] = [(c.time_s, c.first, c) for c in contacts]
        for index, creation in enumerate(self._creations):
            agenda.append((creation.time_s, creation.source, Born(index)))
            spent_s = creation.time_s + settings.ttl_min * 60.0
            agenda.append((spent_s, creation.source, Expired(index)))
        agenda += [(time_s, address, Forgot(address)) for time_s, address in forgets]
        agenda.sort(key=lambda entry: entry[0])
        self.kernel: Kernel[Event] = Kernel(agenda)
        self._created = self._started = self._relayed = self._aborted = 0
        self._dropped = self._removed = 0
        self._deliveries: list[Delivery] = []
        self._delivered = 0
        self._buffer_times_s: list[float] = []

    def run(self) -> Outcome:
        """Run until the end and give the counters; copies purged by a proof count as removed."""
        self.kernel.run(self._settings.end_s, self._handle)
        return Outcome(
            sim_time_s=self.kernel.now_s,
            created=self._created,
            started=self._started,
            relayed=self._relayed,
            aborted=self._aborted,
            dropped=self._dropped,
            removed=self._removed,
            deliveries=tuple(self._deliveries),
            buffer_times_s=tuple(self._buffer_times_s),
        )

    @property
    def names(self) -> list[str]:
        """Messages' names, by the number that rows of custody give them."""
        return [creation.name for creation in self._creations]

    def _handle(self, node: int, event: Event) -> None:
        if isinstance(event, Arrived):
            self._arrive(event)
        elif isinstance(event, ContactChange):
            if event.up:
                self._link(self.nodes[node], self.nodes[event.second])
            else:
                self._unlink(self.nodes[node], self.nodes[event.second])
        elif isinstance(event, Born):
            self._create(self.nodes[node], event.number)
        elif isinstance(event, Expired):
            self._expire(event.number)
        else:
            self._forget(self.nodes[node])

    def _create(self, node: Node, index: int) -> None:
        creation = self._creations[index]
        self._created += 1
        self._bound_for[creation.destination] |= 1 << index
        row = Row(index, creation.size_bytes, self._policy.first, node.address, self.kernel.now_s)
        if self._observer is not None:
            fields = (creation.name, creation.destination, creation.size_bytes)
            self._observer.note(self.kernel.now_s, node.address, "created", fields)
        self._keep(node, row)

    def _keep(self, node: Node, row: Row) -> None:
        node.keep(row)
        self._keepers[row.index].append(node)
        bit = 1 << row.index
        shared = self._policy.given[row.copies] > 0
        if shared:
            node.shared |= bit
        destination = self._creations[row.index].destination
        for way in node.out.values():
            # An idle way has nothing else to send: only what is new can change that.
            target = way.target
            if way.row is not None or target.refused & bit:
                continue
            if shared or target.address == destination:
                self._send(way)

    def _link(self, first: Node, second: Node) -> None:
        if first is second or second.address in first.out:
            return
        if self._observer is not None:
            self._observer.note(self.kernel.now_s, first.address, "link-up", (second.address,))
        there, back = Way(first, second), Way(second, first)
        first.out[second.address] = second.into[first.address] = there
        second.out[first.address] = first.into[second.address] = back
        if self._asked is not None:
            self._asked.meet(first, second, self.kernel.now_s)
        if first.proven != second.proven:
            self._learn(first, second.proven)
            self._learn(second, first.proven)
        # What was learned may have set a way going already.
        if there.row is None and first.held & ~second.refused:
            self._send(there)
        if back.row is None and second.held & ~first.refused:
            self._send(back)

    def _unlink(self, first: Node, second: Node) -> None:
        if second.address not in first.out:
            return
        ways = (first.out.pop(second.address), second.out.pop(first.address))
        del second.into[first.address], first.into[second.address]
        if self._observer is not None:
            self._observer.note(self.kernel.now_s, first.address, "link-down", (second.address,))
        for way in ways:
            way.up = False
            row = way.row
            if row is not None:
                way.row = None
                self._aborted += 1
                self._tell(way.source, "aborted", row, way.target.address)
                self._ask_others(way.target, 1 << row.index)

    def _ask_others(self, node: Node, bit: int) -> None:
        """Let somebody else send what was broken off."""
        if bit & (node.proven | node.held):
            return
        node.refused &= ~bit
        for way in node.into.values():
            if way.row is None and way.source.held & bit:
                self._send(way)

    def _send(self, way: Way) -> None:
        """Begin the next transfer on an idle way: for the peer itself first, then the smallest."""
        source, target = way.source, way.target
        bound = self._bound_for[target.address]
        wanted = source.held & ~target.refused & (source.shared | bound)
        if not wanted:
            return
        mine = wanted & bound
        chosen = mine or wanted
        if self._asked is not None and not mine:
            chosen = self._asked.first(source, target, wanted, self.kernel.now_s)
            if not chosen:
                return
        bit = chosen & -chosen
        row = source.rows[bit.bit_length() - 1]
        if not mine:
            filled = target.depositor_bytes.get(source.address, 0)
            if filled + row.size_bytes > self._buffer_bytes:
                return
        target.refused |= bit
        way.row = row
        way.copies = row.copies
        if not mine:
            # As in production: copies go with a transfer when it starts, and are lost with it.
            row.copies = self._policy.kept[row.copies]
            if not self._policy.given[row.copies]:
                source.shared &= ~bit
        way.turn += 1
        self._started += 1
        if self._observer is not None:
            self._tell(source, "sent", row, target.address)
        kernel = self.kernel
        done_s = kernel.now_s + row.size_bytes / self._rate
        kernel.schedule(done_s, target.address, Arrived(way, way.turn))

    def _arrive(self, event: Arrived) -> None:
        way = event.way
        row = way.row
        if row is None or event.turn != way.turn:
            return
        way.row = None
        self._relayed += 1
        source, target = way.source, way.target
        bit = 1 << row.index
        if self._observer is not None:
            self._tell(target, "relayed", row, source.address, row.size_bytes)
        if not bit & (target.proven | self._expired):
            if self._creations[row.index].destination == target.address:
                self._deliver(target, row)
            else:
                self._take(target, way, row)
        if way.up and way.row is None:
            self._send(way)

    def _take(self, node: Node, way: Way, sent: Row) -> None:
        """Keep a stranger's message; evict what production would evict for it."""
        now_s = self.kernel.now_s
        copies = self._policy.given[way.copies]
        if node.address in self._black_holes:
            return
        conduct = self._conduct.get(node.address)
        if conduct is not None:
            if not conduct.keeps(self._creations[sent.index].name):
                self._tell(node, "dropped", sent, "swallowed")
                return
            copies = conduct.copies(copies)
        row = Row(sent.index, sent.size_bytes, copies, way.source.address, now_s)
        row.trail = (node.address, sent.trail)
        if node.strangers_bytes + row.size_bytes > self._buffer_bytes:
            for evicted in node.evict_for(row.size_bytes, self._buffer_bytes, now_s):
                self._dropped += 1
                self._tell(node, "dropped", evicted, "evicted")
                self._let_go(node, evicted)
        if self._observer is not None:
            self._tell(node, "kept", row, way.source.address, copies, sent.copies)
        self._keep(node, row)

    def _let_go(self, node: Node, row: Row) -> None:
        """A row is out of custody; whoever filled too much may send again."""
        self._buffer_times_s.append(self.kernel.now_s - row.received_s)
        way = node.into.get(row.depositor)
        if way is not None and way.row is None:
            self._send(way)

    def _deliver(self, node: Node, row: Row) -> None:
        now_s = self.kernel.now_s
        creation = self._creations[row.index]
        left = remaining_min(self._settings.ttl_min, creation.time_s, now_s)
        path = addresses((node.address, row.trail))
        self._tell(node, "delivered", row, len(path) - 1)
        if not self._delivered >> row.index & 1:
            self._delivered |= 1 << row.index
            self._deliveries.append(Delivery(now_s, creation, path, left))
        self._learn(node, 1 << row.index)

    def _learn(self, node: Node, proofs: int) -> None:
        """Let proofs spread to everybody in reach, and purge copies on their way."""
        waiting = [(node, proofs)]
        while waiting:
            node, proofs = waiting.pop()
            fresh = proofs & ~node.proven
            if not fresh:
                continue
            node.proven |= fresh
            node.refused |= fresh
            useless = node.held & fresh
            while useless:
                row = node.rows[useless.bit_length() - 1]
                useless ^= 1 << row.index
                node.drop(row)
                self._removed += 1
                self._tell(node, "dropped", row, "proven")
                self._let_go(node, row)
            waiting.extend((way.target, fresh) for way in node.out.values())

    def _expire(self, index: int) -> None:
        bit = 1 << index
        self._expired |= bit
        keepers, self._keepers[index] = self._keepers[index], []
        for node in keepers:
            if node.held & bit:
                row = node.rows[index]
                node.drop(row)
                self._dropped += 1
                self._tell(node, "dropped", row, "expired")
                self._let_go(node, row)

    def _forget(self, node: Node) -> None:
        """Take everything out of a node's memory, what it refuses and knows included."""
        now_s = self.kernel.now_s
        self._removed += len(node.rows)
        self._buffer_times_s.extend(now_s - row.received_s for row in node.rows.values())
        node.rows.clear()
        node.depositor_bytes.clear()
        node.held = node.shared = node.refused = node.proven = node.strangers_bytes = 0
        if self._asked is not None:
            self._asked.forget(node)
        if self._observer is not None:
            self._observer.note(now_s, node.address, "forgot", ())

    def _tell(self, node: Node, kind: str, row: Row, *fields: str | int) -> None:
        if self._observer is not None:
            name = self._creations[row.index].name
            self._observer.note(self.kernel.now_s, node.address, kind, (name, *fields))
