"""The replayed world: hosts, links and the clock of The ONE, with idle rounds left out."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from typing import Final, Protocol

from simulations.compat.lifetimes import CHECK_INTERVAL_S, Checks, remaining_min
from simulations.compat.parts import Connection, Copy, Host, Message, Trail
from simulations.trace import ContactChange, Creation, Delivery, Outcome, ReplaySettings

STEP_S: Final = 1.0
"""The reference runs' update interval."""


class Exchange(Protocol):
    """What a router of the replayed world decides."""

    def first_copies(self) -> int:
        """Give the count that a new message starts with."""
        ...

    def kept(self, copies: int) -> int:
        """Give the sender's count after a transfer that began with ``copies``."""
        ...

    def given(self, copies: int) -> int:
        """Give the receiver's count after a transfer that began with ``copies``."""
        ...

    def linked(self, world: World, first: Host, second: Host) -> None:
        """Take note of a new connection."""
        ...

    def offer(self, world: World, host: Host, peers: int) -> None:
        """Start a transfer from or to an idle host, if any of the idle ``peers`` allows one."""
        ...


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
        self._exchange = exchange
        self._everybody = (1 << settings.nodes) - 1
        self._events = merge(contacts, creations)
        self._checks = Checks(event.time_s for event in self._events)
        self.hosts = [Host(address) for address in range(settings.nodes)]
        self.idle = self._everybody
        self.now_s = 0.0
        self._first_round = True
        self._turn = -1
        self._pending = 0
        self._ready: dict[float, int] = {}
        self._ready_order: list[float] = []
        self._wakes: list[tuple[float, int]] = []
        self._by_age: list[Message] = []
        self._oldest = 0
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
        return self._outcome()

    def _next_due_s(self, clock_s: float) -> float:
        """Give the earliest time, beside events, at which a round may do something."""
        if self._pending:
            return clock_s
        due_s = math.inf
        if self._ready_order:
            due_s = self._ready_order[0]
        if self._wakes and self._wakes[0][0] < due_s:
            due_s = self._wakes[0][0]
        if self._oldest < len(self._by_age):
            due_s = min(due_s, math.floor(self._expiry_s(self._by_age[self._oldest])) + STEP_S)
        return due_s

    def _expiry_s(self, message: Message) -> float:
        """Give the time after which a message counts as expired."""
        return message.creation.time_s + (self._settings.ttl_min - 1) * 60.0

    def _enter(self, now_s: float) -> None:
        """Set the clock for an event's round or the step's last round."""
        self._first_round = now_s != self.now_s
        self.now_s = now_s
        ready = self._ready_order
        while ready and ready[0] <= now_s:
            self._pending |= self._ready.pop(heapq.heappop(ready))
        if ready and ready[0] - now_s < STEP_S:
            self._pending |= self._ready[ready[0]]
        wakes = self._wakes
        while wakes and wakes[0][0] <= now_s:
            self._pending |= 1 << heapq.heappop(wakes)[1]
        while self._oldest < len(self._by_age):
            message = self._by_age[self._oldest]
            created_s = message.creation.time_s
            if remaining_min(self._settings.ttl_min, created_s, now_s) > 0:
                break
            self._oldest += 1
            self._expire(message)

    def _expire(self, message: Message) -> None:
        message.expired = True
        message.restrict(message.recipient_bit)
        for host in self.hosts:
            if message.holders & host.bit:
                host.stale = True
        self._pending |= message.holders

    def _round(self) -> None:
        """Update every pending host, in order of address."""
        turn = 0
        while waiting := self._pending >> turn:
            turn += (waiting & -waiting).bit_length() - 1
            self._pending ^= 1 << turn
            self._turn = turn
            self._update(self.hosts[turn])
            turn += 1
        self._turn = -1

    def _update(self, host: Host) -> None:
        connection = host.sending
        if connection is not None:
            if int((connection.done_s - self.now_s) * self._rate) <= 0:
                self._finish(host, connection)
            elif not connection.up:
                self._abort(host, connection)
            else:
                return
            if host.used_bytes > self._buffer_bytes:
                self._make_room(host, 0, None)
            host.sending = None
            self.idle |= host.bit
            if self.now_s - host.checked_s >= CHECK_INTERVAL_S:
                host.checked_s = self.now_s
                if host.stale:
                    self._drop_expired(host)
            elif host.stale:
                heapq.heappush(self._wakes, (self._checks.after(host.checked_s), host.address))
            self._pending |= host.near & self.idle
        elif host.stale:
            self._check(host)
        if host.receiving is None and host.copies:
            peers = host.near & self.idle
            if peers:
                self._exchange.offer(self, host, peers)

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

    def _drop(self, host: Host, copy: Copy) -> None:
        host.remove(copy)
        message = copy.message
        if not message.holders:
            self.expected[message.recipient].pop(message, None)
        self._buffer_times_s.append(self.now_s - copy.received_s)

    def _make_room(self, host: Host, size_bytes: int, sending: Message | None) -> bool:
        """Drop the oldest copies, but not the one being sent, until a size fits."""
        if size_bytes > self._buffer_bytes:
            return False
        limit = self._buffer_bytes - size_bytes
        while host.used_bytes > limit:
            for message, copy in host.copies.items():
                if message is not sending:
                    break
            else:
                return False
            self._drop(host, copy)
        return True

    def start(self, sender: Host, peer: int, copy: Copy) -> bool:
        """Begin a transfer between two idle hosts if the receiver takes the message.

        Args:
            peer: the receiver's address.
        """
        message = copy.message
        receiver = self.hosts[peer]
        if not message.wanting & receiver.bit:
            return False
        if not self._make_room(receiver, message.size_bytes, None):
            return False
        now_s = self.now_s
        connection = sender.links[peer]
        connection.copy = copy
        connection.copies = copy.copies
        connection.receiver = receiver
        done_s = connection.done_s = now_s + message.size_bytes / self._rate
        sender.sending = connection
        receiver.receiving = connection
        self.idle &= sender.others & receiver.others
        self._started += 1
        if now_s - sender.checked_s >= CHECK_INTERVAL_S:
            updated = not self._first_round or sender.address <= self._turn
            last = self._checks.last if updated else self._checks.last_before
            sender.checked_s = last(sender.checked_s, now_s)
        ready_s = float(math.ceil(done_s))
        if int((done_s - (ready_s - STEP_S)) * self._rate) <= 0:
            ready_s -= STEP_S
        if ready_s <= now_s:
            self._pending |= sender.bit
        elif ready_s in self._ready:
            self._ready[ready_s] |= sender.bit
        else:
            self._ready[ready_s] = sender.bit
            heapq.heappush(self._ready_order, ready_s)
        return True

    def _finish(self, sender: Host, connection: Connection) -> None:
        copy = connection.copy
        assert copy is not None, "a sending host has a copy on its connection"
        connection.copy = None
        message = copy.message
        receiver = connection.receiver
        copy.copies = self._exchange.kept(connection.copies)
        self._relayed += 1
        trail = Trail(receiver.address, copy.trail)
        if message.recipient == receiver.address:
            self._deliver(message, trail)
        else:
            given = self._exchange.given(connection.copies)
            self._keep(receiver, Copy(message, trail, given, self.now_s))
        if connection.up:
            self._free(receiver)

    def _keep(self, host: Host, copy: Copy) -> None:
        """Put a copy into a buffer, whether or not it fits."""
        host.add(copy)
        message = copy.message
        if message.open_to & message.recipient_bit:
            self.expected[message.recipient][message] = None
        if message.expired:
            host.stale = True
        self._pending |= (host.bit | (host.near & message.recipient_bit)) & self.idle

    def _free(self, receiver: Host) -> None:
        receiver.receiving = None
        self.idle |= receiver.bit
        self._pending |= receiver.bit | (receiver.near & self.idle)

    def _abort(self, sender: Host, connection: Connection) -> None:
        connection.copy = None
        self._aborted += 1

    def _deliver(self, message: Message, trail: Trail) -> None:
        if not message.open_to & message.recipient_bit:
            return
        message.restrict(~message.recipient_bit)
        self.expected[message.recipient].pop(message, None)
        created = message.creation
        left = remaining_min(self._settings.ttl_min, created.time_s, self.now_s)
        self._deliveries.append(Delivery(self.now_s, created, trail.addresses(), left))

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
        self._pending |= (first.bit | second.bit) & self.idle
        self._exchange.linked(self, first, second)

    def _unlink(self, connection: Connection) -> None:
        first, second = connection.first, connection.second
        connection.up = False
        del first.links[second.address]
        del second.links[first.address]
        first.near &= second.others
        second.near &= first.others
        if connection.copy is not None:
            sender = first if connection.receiver is second else second
            self._pending |= sender.bit
            self._free(connection.receiver)

    def _create(self, creation: Creation) -> None:
        host = self.hosts[creation.source]
        sending = host.sending.copy if host.sending is not None else None
        self._make_room(host, creation.size_bytes, sending.message if sending else None)
        message = Message(creation, self._everybody)
        if creation.size_bytes > self._buffer_bytes:
            message.restrict(0)
        self._by_age.append(message)
        if remaining_min(self._settings.ttl_min, creation.time_s, self.now_s) <= 0:
            message.expired = True
            message.restrict(message.recipient_bit)
        self._created += 1
        first = self._exchange.first_copies()
        self._keep(host, Copy(message, Trail(host.address, None), first, self.now_s))
        self.wake(host.near)

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
