"""A plain model of The ONE for tests: every host is updated in every round, nothing is skipped.

Written from the documented rules, apart from the simulator, and as slow as they are: the fast
replay must agree with it on random worlds.
"""

from __future__ import annotations

GAMMA, BETA, P_INIT = 0.98, 0.25, 0.75


def java_hash(text):
    value = 0
    data = text.encode("utf-16-le", "surrogatepass")
    for low, high in zip(data[::2], data[1::2], strict=True):
        value = (value * 31 + high * 256 + low) % 2**32
    return value


class JavaMap:
    """A chained hash table that does what java.util.HashMap does, bucket by bucket."""

    def __init__(self):
        self.table = [[] for _ in range(16)]

    def _bucket(self, key):
        code = java_hash(key)
        return (code ^ (code >> 16)) % len(self.table)

    def _double(self):
        entries = [entry for bucket in self.table for entry in bucket]
        self.table = [[] for _ in range(2 * len(self.table))]
        for entry in entries:
            self.table[self._bucket(entry[0])].append(entry)

    def put(self, key, value):
        bucket = self.table[self._bucket(key)]
        for entry in bucket:
            if entry[0] == key:
                entry[1] = value
                return
        crowded = len(bucket) >= 8 and len(self.table) < 64
        bucket.append([key, value])
        if crowded:
            self._double()
        if len(self) > 0.75 * len(self.table):
            self._double()

    def get(self, key):
        return next((v for k, v in self.table[self._bucket(key)] if k == key), None)

    def remove(self, key):
        bucket = self.table[self._bucket(key)]
        bucket[:] = [entry for entry in bucket if entry[0] != key]

    def values(self):
        return [value for bucket in self.table for _, value in bucket]

    def __len__(self):
        return sum(len(bucket) for bucket in self.table)


class Copy:
    def __init__(self, creation, path, count, received):
        self.creation, self.path, self.count, self.received = creation, path, count, received
        self.id, self.to, self.size = creation.name, creation.destination, creation.size_bytes


class Link:
    def __init__(self, a, b):
        self.ends, self.up, self.load = (a, b), True, None

    def other(self, host):
        return self.ends[1] if host is self.ends[0] else self.ends[0]


class Host:
    def __init__(self, world, address):
        self.world, self.address = world, address
        self.buffer, self.links, self.sending, self.delivered = JavaMap(), [], None, set()
        self.checked = 0.0
        self.likely, self.aged = {}, 0.0

    def free(self):
        return self.world.capacity - sum(c.size for c in self.buffer.values())

    def busy(self):
        return self.sending is not None or any(link.load for link in self.links)

    def drop(self, copy):
        self.buffer.remove(copy.id)
        self.world.buffer_times.append(self.world.now - copy.received)

    def make_room(self, size):
        if size > self.world.capacity:
            return False
        while self.free() < size:
            sent = self.sending.load[0].id if self.sending and self.sending.load else None
            rest = [c for c in self.buffer.values() if c.id != sent]
            if not rest:
                return False
            self.drop(min(rest, key=lambda c: c.received))
        return True

    def send(self, copy, link):
        """0 started, above 0 try later, below 0 refused."""
        world, peer = self.world, link.other(self)
        if peer.busy():
            return 1
        if peer.buffer.get(copy.id) or copy.id in peer.delivered:
            return -1
        if world.ttl(copy) <= 0 and copy.to != peer.address:
            return -3
        if not peer.make_room(copy.size):
            return -4
        snapshot = Copy(copy.creation, copy.path, copy.count, copy.received)
        link.load = (snapshot, self, world.now + copy.size / world.rate)
        self.sending = link
        world.started += 1
        return 0

    def update(self):
        world = self.world
        if self.sending:
            copy, _, done = self.sending.load
            if int((done - world.now) * world.rate) <= 0:
                self.finish(copy)
            elif not self.sending.up:
                self.sending.load = None
                world.aborted += 1
            else:
                return
            if self.free() < 0:
                self.make_room(0)
            self.sending = None
        if world.now - self.checked >= 60:
            for copy in self.buffer.values():
                if world.ttl(copy) <= 0:
                    self.drop(copy)
            self.checked = world.now
        if self.busy() or not len(self.buffer) or not self.links:
            return
        if not self.direct():
            getattr(self, world.router)()

    def finish(self, copy):
        world, link = self.world, self.sending
        peer = link.other(self)
        mine = self.buffer.get(copy.id)
        new = Copy(copy.creation, (*copy.path, peer.address), copy.count, world.now)
        if world.router == "spray":
            mine.count = -(-mine.count // 2)
            new.count = copy.count // 2
        world.relayed += 1
        if copy.to == peer.address:
            if copy.id not in peer.delivered:
                peer.delivered.add(copy.id)
                world.delivered.append((world.now, copy.id, new.path, world.ttl(copy)))
        else:
            peer.buffer.put(copy.id, new)
        link.load = None

    def queue(self):
        return sorted(self.buffer.values(), key=lambda c: c.received)

    def direct(self):
        for copy in self.queue():
            for link in self.links:
                if link.other(self).address == copy.to and self.send(copy, link) == 0:
                    return True
        for link in self.links:
            peer = link.other(self)
            if not peer.busy():
                for copy in peer.buffer.values():
                    if copy.to == self.address and peer.send(copy, link) == 0:
                        return True
        return False

    def epidemic(self, copies=None):
        for link in self.links:
            for copy in self.queue() if copies is None else copies:
                answer = self.send(copy, link)
                if answer == 0:
                    return
                if answer > 0:
                    break

    def spray(self):
        self.epidemic([c for c in self.queue() if c.count > 1])

    def age(self):
        units = (self.world.now - self.aged) / 30.0
        if units:
            self.likely = {k: v * GAMMA**units for k, v in self.likely.items()}
            self.aged = self.world.now

    def chance(self, address):
        self.age()
        return self.likely.get(address, 0.0)

    def meet(self, peer):
        old = self.chance(peer.address)
        self.likely[peer.address] = old + (1 - old) * P_INIT
        sure = self.chance(peer.address)
        peer.age()
        for address, value in peer.likely.items():
            if address != self.address:
                old = self.chance(address)
                self.likely[address] = old + (1 - old) * sure * value * BETA

    def prophet(self):
        tuples = []
        for link in self.links:
            peer = link.other(self)
            if peer.busy():
                continue
            for copy in self.buffer.values():
                if not peer.buffer.get(copy.id) and peer.chance(copy.to) > self.chance(copy.to):
                    tuples.append((copy, link))
        tuples.sort(key=lambda t: (-t[1].other(self).chance(t[0].to), t[0].received))
        for copy, link in tuples:
            if self.send(copy, link) == 0:
                return


Host.none = lambda self: None


class NaiveWorld:
    def __init__(self, settings, router, copies):
        self.capacity, self.rate = settings.buffer_bytes, settings.rate_bytes_per_s
        self.settings, self.copies = settings, copies if router == "spray" else 1
        self.router = "none" if router == "direct" else router
        self.now = 0.0
        self.hosts = [Host(self, address) for address in range(settings.nodes)]
        self.delivered, self.buffer_times = [], []
        self.started = self.relayed = self.aborted = 0

    def ttl(self, copy):
        age = self.now - copy.creation.time_s
        return int((self.settings.ttl_min * 60 - age) / 60.0)

    def update(self):
        for host in self.hosts:
            host.update()

    def apply(self, event):
        if hasattr(event, "name"):
            host = self.hosts[event.source]
            host.make_room(event.size_bytes)
            host.buffer.put(event.name, Copy(event, (event.source,), self.copies, self.now))
            return
        a, b = self.hosts[event.first], self.hosts[event.second]
        link = next((x for x in a.links if x.other(a) is b), None)
        if event.up and link is None and a is not b:
            link = Link(a, b)
            a.links.append(link)
            b.links.append(link)
            if self.router == "prophet":
                a.meet(b)
                b.meet(a)
        elif not event.up and link is not None:
            link.up = False
            a.links.remove(link)
            b.links.remove(link)

    def run(self, contacts, creations):
        events = sorted([*contacts, *creations], key=lambda event: event.time_s)
        clock = 0.0
        while clock < self.settings.end_s:
            until = clock + 1.0
            while events and events[0].time_s <= until:
                event = events.pop(0)
                self.now = event.time_s
                self.apply(event)
                self.update()
            self.now = clock = until
            self.update()
        return self
