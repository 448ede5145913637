"""An abstract run: contacts and bodies on the kernel's clock, custody as in production.

Rules taken from production: for the recipient first, then the smallest; a body is asked of one
neighbour at a time; what was evicted, or is known to be delivered, is not taken again; a delivery
proof purges copies and spreads to everybody in reach. Idealised: summaries, proofs and refusals
take no time and no bytes, clocks agree, nodes do not fail.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from simulations.abstract.parts import Node, Row, Way, number_by_size
from simulations.kernel import Kernel
from simulations.policy import CountedPolicy
from simulations.trace import (
    ContactChange,
    Creation,
    Delivery,
    Outcome,
    ReplaySettings,
    addresses,
    remaining_min,
)


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


Event: TypeAlias = ContactChange | Born | Arrived | Expired


class AbstractWorld:
    """Runs one scenario with one production router.

    Args:
        black_holes: nodes that take others' mail, and keep nothing of it.
    """

    def __init__(
        self,
        settings: ReplaySettings,
        contacts: Sequence[ContactChange],
        creations: Sequence[Creation],
        policy: CountedPolicy,
        black_holes: frozenset[int] = frozenset(),
    ) -> None:
        self._black_holes = black_holes
        self._settings = settings
        self._policy = policy
        self._creations = number_by_size(creations)
        self.nodes = [Node(address) for address in range(settings.nodes)]
        self._bound_for = [0] * settings.nodes
        self._expired = 0
        self._keepers: dict[int, list[Node]] = {}
        agenda: list[tuple[float, int, Event]] = [(c.time_s, c.first, c) for c in contacts]
        for index, creation in enumerate(self._creations):
            agenda.append((creation.time_s, creation.source, Born(index)))
            spent_s = creation.time_s + settings.ttl_min * 60.0
            agenda.append((spent_s, creation.source, Expired(index)))
        agenda.sort(key=lambda entry: entry[0])
        self.kernel: Kernel[Event] = Kernel(agenda)
        self._created = self._started = self._relayed = self._aborted = 0
        self._dropped = self._removed = 0
        self._deliveries: list[Delivery] = []
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
        else:
            self._expire(event.number)

    def _create(self, node: Node, index: int) -> None:
        creation = self._creations[index]
        self._created += 1
        self._bound_for[creation.destination] |= 1 << index
        row = Row(index, creation.size_bytes, self._policy.first, node.address, self.kernel.now_s)
        self._keep(node, row)

    def _keep(self, node: Node, row: Row) -> None:
        node.keep(row)
        self._keepers.setdefault(row.index, []).append(node)
        if self._policy.given[row.copies]:
            node.shared |= 1 << row.index
        for way in node.out.values():
            if way.row is None:
                self._send(way)

    def _link(self, first: Node, second: Node) -> None:
        if first is second or second.address in first.out:
            return
        there, back = Way(first, second), Way(second, first)
        first.out[second.address] = second.into[first.address] = there
        second.out[first.address] = first.into[second.address] = back
        if first.proven != second.proven:
            self._learn(first, second.proven)
            self._learn(second, first.proven)
        if first.held & ~second.refused:
            self._send(there)
        if second.held & ~first.refused:
            self._send(back)

    def _unlink(self, first: Node, second: Node) -> None:
        if second.address not in first.out:
            return
        ways = (first.out.pop(second.address), second.out.pop(first.address))
        del second.into[first.address], first.into[second.address]
        for way in ways:
            way.up = False
            row = way.row
            if row is not None:
                way.row = None
                self._aborted += 1
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
        bit = chosen & -chosen
        row = source.rows[bit.bit_length() - 1]
        if not mine:
            filled = target.depositor_bytes.get(source.address, 0)
            if filled + row.size_bytes > self._settings.buffer_bytes:
                return
        target.refused |= bit
        way.row = row
        way.copies = row.copies
        way.turn += 1
        self._started += 1
        done_s = self.kernel.now_s + row.size_bytes / self._settings.rate_bytes_per_s
        self.kernel.schedule(done_s, target.address, Arrived(way, way.turn))

    def _arrive(self, event: Arrived) -> None:
        way = event.way
        row = way.row
        if row is None or event.turn != way.turn:
            return
        way.row = None
        self._relayed += 1
        source, target = way.source, way.target
        bit = 1 << row.index
        if source.held & bit:
            row.copies = self._policy.kept[way.copies]
            if not self._policy.given[row.copies]:
                source.shared &= ~bit
        if not bit & (target.proven | self._expired):
            if self._creations[row.index].destination == target.address:
                self._deliver(target, row)
            else:
                self._take(target, way, row)
        if way.up and way.row is None:
            self._send(way)

    def _take(self, node: Node, way: Way, sent: Row) -> None:
        """Keep a stranger's message; evict what production would evict for it."""
        if node.address in self._black_holes:
            return
        now_s = self.kernel.now_s
        copies = self._policy.given[way.copies]
        row = Row(sent.index, sent.size_bytes, copies, way.source.address, now_s)
        row.trail = (node.address, sent.trail)
        for evicted in node.evict_for(row.size_bytes, self._settings.buffer_bytes, now_s):
            self._dropped += 1
            self._let_go(node, evicted)
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
                self._let_go(node, row)
            waiting.extend((way.target, fresh) for way in node.out.values())

    def _expire(self, index: int) -> None:
        bit = 1 << index
        self._expired |= bit
        for node in self._keepers.pop(index, ()):
            if node.held & bit:
                row = node.rows[index]
                node.drop(row)
                self._dropped += 1
                self._let_go(node, row)
