"""The replayed world: hosts, links and the clock of The ONE, with idle rounds left out."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from typing import Final

from simulations.compat.choice import Exchange
from simulations.compat.lifetimes import CHECK_INTERVAL_S, Checks
from simulations.compat.parts import Connection, Copy, Host, Message
from simulations.trace import (
    ContactChange,
    Creation,
    Delivery,
    Outcome,
    ReplaySettings,
    Trail,
    addresses,
    remaining_min,
)

STEP_S: Final = 1.0
"""The reference runs' update interval."""
ENDLESS_BUFFER_BYTES: Final = 2**31 - 1
"""The ONE takes a buffer of just this size, its own default, for one without end."""


class World:
    """Replays one scenario with one router.

    A host is *pending* when its update might do something; hosts are updated in order of address,
    as bits of one number. Whatever makes a host pending before its turn in a round is seen in that
    round, and in the next one otherwise, exactly as if all hosts were updated.
    """

    def __init__(
        self,
        settings: ReplaySettings,
        contacts: Sequence[ContactChange],
        creations: Sequence[Creation],
        exchange: Exchange,
    ) -> None:
        self._settings = settings
        self._rate = settings.rate_bytes_per_s
        self._buffer_bytes = settings.buffer_bytes
        if self._buffer_bytes == ENDLESS_BUFFER_BYTES:
            self._buffer_bytes = 2**63
        self._exchange = exchange
        self._kept, self._given = exchange.kept, exchange.given
        self._everybody = (1 << settings.nodes) - 1
        self._events = merge(contacts, creations)
        self._checks = Checks(event.time_s for event in self._events)
        self.hosts = [Host(address, len(creations)) for address in range(settings.nodes)]
        self.idle = self._everybody
        self.now_s = 0.0
        self._first_round = True
        self._turn = -1
        self._pending = 0
        self._linked = 0
        self._ready: dict[int, int] = {}
        self._ready_order: list[int] = []
        self._wakes: list[tuple[float, int]] = []
        self.messages: list[Message] = []
        self._oldest = 0
        self._expiry_s = math.inf
        """When the oldest message may expire: never too late, at most a round too early."""
        self.expected: list[dict[Message, None]] = [{} for _ in self.hosts]
        self._created = self._started = self._relayed = self._aborted = 0
        self._deliveries: list[Delivery] = []
        self._buffer_times_s: list[float] = []

    def run(self) -> Outcome:
        """Replay until the end and give the counters.

        A step covers the time from one whole second to the next; steps are run while their start
        lies before the end.
        """
        end_s = self._settings.end_s
        clock_s = 0.0
        index, count = 0, len(self._events)
        while True:
            due_s = self._next_due_s(clock_s)
            if index < count:
                due_s = min(due_s, self._events[index].time_s)
            until_s = max(clock_s + STEP_S, float(math.ceil(due_s)) if due_s < math.inf else due_s)
            if until_s - STEP_S >= end_s:
                break
            if until_s - clock_s > STEP_S:
                self._exchange.rested(self, clock_s + STEP_S, until_s - STEP_S)
            while index < count and self._events[index].time_s <= until_s:
                event = self._events[index]
                index += 1
                self._enter(event.time_s)
                if isinstance(event, ContactChange):
                    self._change(event)
                else:
                    self._create(event)
                self._round()
            self._enter(until_s)
            self._round()
            clock_s = until_s
        self.now_s = float(math.ceil(end_s))
        return self._outcome()

    def _next_due_s(self, clock_s: float) -> float:
        """Give the earliest time, beside events, at which a round may do something."""
        if self._pending:
            return clock_s
        due_s: float = self._ready_order[0] if self._ready_order else math.inf
        if self._wakes and self._wakes[0][0] < due_s:
            due_s = self._wakes[0][0]
        if self._expiry_s < due_s:
            due_s = math.floor(self._expiry_s) + STEP_S
        return due_s

    def _enter(self, now_s: float) -> None:
        """Set the clock for an event's round or the step's last round."""
        self._first_round = now_s != self.now_s
        self.now_s = float(now_s)
        ready = self._ready_order
        while ready and ready[0] <= now_s:
            self._pending |= self._ready.pop(heapq.heappop(ready))
        if ready and ready[0] - now_s < STEP_S:
            self._pending |= self._ready[ready[0]]
        wakes = self._wakes
        while wakes and wakes[0][0] <= now_s:
            self._pending |= 1 << heapq.heappop(wakes)[1]
        if now_s >= self._expiry_s:
            self._expire_old()

    def _expire_old(self) -> None:
        """Expire the messages whose time is spent; they were created in this order."""
        ttl_min = self._settings.ttl_min
        self._expiry_s = math.inf
        while self._oldest < len(self.messages):
            message = self.messages[self._oldest]
            created_s = message.creation.time_s
            if remaining_min(ttl_min, created_s, self.now_s) > 0:
                self._expiry_s = created_s + (ttl_min - 1) * 60.0
                break
            self._oldest += 1
            self._expire(message)

    def _expire(self, message: Message) -> None:
        message.expired = True
        message.restrict(message.recipient_bit, self.hosts)
        for host in self.hosts:
            if message.holders & host.bit:
                host.stale = True
        self._pending |= message.holders

    def _round(self) -> None:
        """Update every pending host, in order of address."""
        hosts, offer = self.hosts, self._exchange.offer
        if self._exchange.everyone_asks:
            self._pending |= self.idle & self._linked
        turn = -1
        while waiting := self._pending >> (turn + 1):
            turn += (waiting & -waiting).bit_length()
            bit = 1 << turn
            self._pending ^= bit
            self._turn = turn
            host = hosts[turn]
            if host.sending is not None:
                self._tend(host, host.sending)
            elif host.stale:
                self._check(host)
            if self.idle & bit:
                peers = host.near & self.idle
                if peers and host.copies:
                    offer(self, host, peers)
        self._turn = -1

    def _tend(self, host: Host, connection: Connection) -> None:
        """Finish or break off a host's transfer, if it is time for either."""
        if int((connection.done_s - self.now_s) * self._rate) <= 0:
            self._finish(host, connection)
        elif connection.up:
            return
        else:
            connection.copy = None
            self._aborted += 1
        host.sending = None
        if host.used_bytes > self._buffer_bytes:
            self._make_room(host, 0, None)
        self.idle |= host.bit
        if self.now_s - host.checked_s >= CHECK_INTERVAL_S:
            host.checked_s = self.now_s
            if host.stale:
                self._drop_expired(host)
        elif host.stale:
            heapq.heappush(self._wakes, (self._checks.after(host.checked_s), host.address))
        self._pending |= host.near & self.idle

    def _check(self, host: Host) -> None:
        """An idle host's look for expired messages, if one is due in this round."""
        now_s = self.now_s
        if self._first_round:
            host.checked_s = self._checks.last_before(host.checked_s, now_s)
            if now_s - host.checked_s >= CHECK_INTERVAL_S:
                host.checked_s = now_s
                self._drop_expired(host)
                return
        else:
            host.checked_s = self._checks.last(host.checked_s, now_s)
        heapq.heappush(self._wakes, (self._checks.after(host.checked_s), host.address))

    def _drop_expired(self, host: Host) -> None:
        host.stale = False
        spent = [copy for copy in host.copies.values() if copy.message.expired]
        for copy in host.in_map_order(spent):
            self._drop(host, copy)
            if copy.message.recipient == host.address:
                self.wake(host.near | host.bit)

    def _drop(self, host: Host, copy: Copy) -> None:
        host.remove(copy)
        message = copy.message
        if not message.holders:
            self.expected[message.recipient].pop(message, None)
        self._buffer_times_s.append(self.now_s - copy.received_s)

    def _make_room(self, host: Host, size_bytes: int, sending: Message | None) -> None:
        """Drop the oldest copies, but not the one being sent, until a size fits."""
        if size_bytes > self._buffer_bytes:
            return
        limit = self._buffer_bytes - size_bytes
        while host.used_bytes > limit:
            copy = host.oldest_but(sending)
            if copy is None:
                return
            self._drop(host, copy)

    def start(self, sender: Host, peer: int, copy: Copy) -> None:
        """Begin a transfer between two idle hosts.

        Args:
            peer: the receiver's address; it must want the message (``open``).
        """
        receiver = self.hosts[peer]
        size_bytes = copy.message.size_bytes
        if receiver.used_bytes + size_bytes > self._buffer_bytes:
            self._make_room(receiver, size_bytes, None)
        now_s = self.now_s
        connection = sender.links[peer]
        sender.sending = connection
        connection.copy = copy
        connection.copies = copy.copies
        connection.receiver = receiver
        done_s = connection.done_s = now_s + size_bytes / self._rate
        others = sender.others & receiver.others
        self.idle &= others
        self._pending &= others
        if receiver.stale:
            self._pending |= receiver.bit
        self._started += 1
        if now_s - sender.checked_s >= CHECK_INTERVAL_S:
            updated = not self._first_round or sender.address <= self._turn
            last = self._checks.last if updated else self._checks.last_before
            sender.checked_s = last(sender.checked_s, now_s)
        if (done_s - now_s) * self._rate < 1:
            self._pending |= sender.bit
            return
        ready_s = math.ceil(done_s)
        if (done_s - (ready_s - 1)) * self._rate < 1:
            ready_s -= 1
        if ready_s in self._ready:
            self._ready[ready_s] |= sender.bit
        else:
            self._ready[ready_s] = sender.bit
            heapq.heappush(self._ready_order, ready_s)

    def _finish(self, sender: Host, connection: Connection) -> None:
        copy = connection.copy
        assert copy is not None, "a sending host has a copy on its connection"
        connection.copy = None
        message = copy.message
        receiver = connection.receiver
        copies = connection.copies
        held = sender.copies[message]
        held.copies = self._kept[held.copies]
        self._relayed += 1
        trail = (receiver.address, copy.trail)
        if message.recipient == receiver.address:
            self._deliver(message, trail)
        else:
            self._keep(receiver, Copy(message, trail, self._given[copies], self.now_s))
        if connection.up:
            self._free(receiver)
        else:
            self._pending |= (receiver.bit | (receiver.near & message.recipient_bit)) & self.idle

    def _keep(self, host: Host, copy: Copy) -> None:
        """Put a copy into a buffer, whether or not it fits."""
        message = copy.message
        if not message.holders and message.open_to & message.recipient_bit:
            self.expected[message.recipient][message] = None
        host.add(copy)
        if message.expired:
            host.stale = True
            self._pending |= host.bit

    def _free(self, receiver: Host) -> None:
        """Let a receiver and its idle neighbours look for a transfer."""
        bit = receiver.bit
        self.idle |= bit
        self._pending |= bit | (receiver.near & self.idle)

    def _deliver(self, message: Message, trail: Trail) -> None:
        if not message.open_to & message.recipient_bit:
            return
        message.restrict(~message.recipient_bit, self.hosts)
        self.expected[message.recipient].pop(message, None)
        created = message.creation
        left = remaining_min(self._settings.ttl_min, created.time_s, self.now_s)
        self._deliveries.append(Delivery(self.now_s, created, addresses(trail), left))

    def _change(self, change: ContactChange) -> None:
        first, second = self.hosts[change.first], self.hosts[change.second]
        connection = first.links.get(change.second)
        if change.up:
            if connection is None and first is not second:
                self._link(first, second)
        elif connection is not None:
            self._unlink(connection)

    def _link(self, first: Host, second: Host) -> None:
        connection = Connection(first, second)
        first.links[second.address] = second.links[first.address] = connection
        first.near |= second.bit
        second.near |= first.bit
        self._linked |= first.bit | second.bit
        self._pending |= (first.bit | second.bit) & self.idle
        self._exchange.linked(self, first, second)

    def _unlink(self, connection: Connection) -> None:
        first, second = connection.first, connection.second
        connection.up = False
        del first.links[second.address]
        del second.links[first.address]
        first.near &= second.others
        second.near &= first.others
        if not first.near:
            self._linked ^= first.bit
        if not second.near:
            self._linked ^= second.bit
        if connection.copy is not None:
            sender = first if connection.receiver is second else second
            self._pending |= sender.bit
            self._free(connection.receiver)

    def _create(self, creation: Creation) -> None:
        host = self.hosts[creation.source]
        sending = host.sending.copy if host.sending is not None else None
        self._make_room(host, creation.size_bytes, sending.message if sending else None)
        message = Message(creation, len(self.messages), self._everybody)
        if creation.size_bytes > self._buffer_bytes:
            message.restrict(0, self.hosts)
        self.messages.append(message)
        self._created += 1
        first = self._exchange.first_copies
        self._keep(host, Copy(message, (host.address, None), first, self.now_s))
        self.wake(host.near | host.bit)
        self._expire_old()

    def wake(self, nodes: int) -> None:
        """Let the idle ones among these nodes look for a transfer at their next update."""
        self._pending |= nodes & self.idle

    def _outcome(self) -> Outcome:
        return Outcome(
            sim_time_s=self.now_s,
            created=self._created,
            started=self._started,
            relayed=self._relayed,
            aborted=self._aborted,
            dropped=len(self._buffer_times_s),
            removed=0,
            deliveries=tuple(self._deliveries),
            buffer_times_s=tuple(self._buffer_times_s),
        )


def merge(
    contacts: Sequence[ContactChange], creations: Sequence[Creation]
) -> list[ContactChange | Creation]:
    """Give all events in order of time, contacts before creations of the same second."""
    events: list[ContactChange | Creation] = [*contacts, *creations]
    events.sort(key=lambda event: event.time_s)
    return events
