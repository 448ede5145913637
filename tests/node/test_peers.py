"""The dial policy as a state machine, and the rules that people will ask about one by one."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from p2p.adapters.memory_link import memory_peer_id
from p2p.errors import StoreDamaged, UnknownName
from p2p.node.peers import Admitted, NotAdmitted, PeerBook, PeerLimits, Source
from p2p.wire.ids import PeerId
from tests.node.shell_world import SeededEntropy

OWN = memory_peer_id("own")
LIMITS = PeerLimits(neighbours_max=4, seek_max=2, dials_max=2, known_max=6)


def peer(number: int) -> PeerId:
    return memory_peer_id(f"peer {number}")


def address(number: int, port: int = 1) -> str:
    return f"/ip4/10.0.0.{number}/tcp/{port}/p2p/{peer(number)}"


def book(limits: PeerLimits = LIMITS) -> PeerBook:
    return PeerBook(OWN, limits, SeededEntropy())


PEERS = st.integers(0, 9).map(peer)
LEARNT = st.sampled_from([Source.CONTACT, Source.BOOTSTRAP, Source.MDNS, Source.DHT])


class Policy(RuleBasedStateMachine):
    """What no order of events may bring about: too many links, a dial to whom we must not."""

    def __init__(self) -> None:
        super().__init__()
        self.book = book()
        self.now_s = 0.0
        self.links: set[PeerId] = set()
        self.dialling: set[PeerId] = set()
        self.banned: set[PeerId] = set()
        self.refused_until: dict[PeerId, float] = {}

    @rule(number=st.integers(0, 9), port=st.integers(1, 3), source=LEARNT)
    def learn(self, number: int, port: int, source: Source) -> None:
        self.book.learn(peer(number), (address(number, port),), source, self.now_s)

    @rule(number=st.integers(0, 9))
    def add_manual(self, number: int) -> None:
        self.book.add_manual(peer(number), address(number), self.now_s)
        self.banned.discard(peer(number))
        self.refused_until.pop(peer(number), None)

    @rule(peer=PEERS)
    def remove(self, peer: PeerId) -> None:
        try:
            self.book.remove(peer)
        except UnknownName:
            assert peer not in self.links | self.banned
        self.banned.discard(peer)
        self.dialling.discard(peer)
        self.refused_until.pop(peer, None)

    @rule(peer=PEERS)
    def ban(self, peer: PeerId) -> None:
        self.book.ban(peer)
        self.banned.add(peer)
        self._close(peer)

    @rule(peer=PEERS, for_s=st.floats(1, 1_000))
    def refuse(self, peer: PeerId, for_s: float) -> None:
        self.book.refuse(peer, self.now_s + for_s, "strikes")
        self.refused_until[peer] = max(self.refused_until.get(peer, 0), self.now_s + for_s)
        self._close(peer)

    @rule(peer=PEERS)
    def inbound(self, peer: PeerId) -> None:
        self._open(peer)

    @rule(fails=st.booleans())
    def dial_all(self, fails: bool) -> None:
        dials = self.book.due(self.now_s)
        for dial in dials:
            assert dial.peer not in self.links | self.dialling | self.banned
            assert self.refused_until.get(dial.peer, 0) <= self.now_s
            assert dial.addresses
            self.dialling.add(dial.peer)
        assert len(self.dialling) <= LIMITS.dials_max
        for dial in dials:
            self._end_dial(dial.peer, fails)

    @rule(seconds=st.floats(0.1, 400))
    def wait(self, seconds: float) -> None:
        self.now_s += seconds

    @rule(peer=PEERS)
    def lose(self, peer: PeerId) -> None:
        self._close(peer)

    def _end_dial(self, peer: PeerId, fails: bool) -> None:
        self.dialling.discard(peer)
        self.book.dial_ended(peer, "nobody there" if fails else "", self.now_s)
        if not fails:
            self._open(peer)

    def _open(self, peer: PeerId) -> None:
        verdict = self.book.admit(peer, self.now_s)
        if isinstance(verdict, NotAdmitted):
            return
        assert peer not in self.banned
        assert self.refused_until.get(peer, 0) <= self.now_s
        if verdict.evicted:
            assert verdict.evicted in self.links
            self._close(verdict.evicted)
        self.book.opened(peer, self.now_s)
        self.links.add(peer)

    def _close(self, peer: PeerId) -> None:
        if peer in self.links:
            self.links.discard(peer)
            self.book.closed(peer, self.now_s)

    @invariant()
    def links_are_bounded_and_known(self) -> None:
        assert len(self.links) <= LIMITS.neighbours_max
        views = self.book.views(self.now_s)
        assert {view.peer for view in views if view.state == "neighbour"} == self.links
        for view in views:
            if view.state == "waiting":
                assert view.retry_at_s > self.now_s
            assert view.retry_at_s <= max(
                self.now_s + LIMITS.back_off_max_s, self.refused_until.get(view.peer, 0)
            )

    @invariant()
    def acquaintances_are_bounded(self) -> None:
        passing = [
            view
            for view in self.book.views(self.now_s)
            if view.source in ("mdns", "dht", "inbound") and view.state != "banned"
        ]
        assert len(passing) <= LIMITS.known_max + LIMITS.neighbours_max + 10

    @invariant()
    def what_is_due_is_announced(self) -> None:
        due_s = self.book.next_due_s()
        ready = [
            view
            for view in self.book.views(self.now_s)
            if view.state == "known" and view.addresses and view.source in ("contact", "manual")
        ]
        room = len(self.links) < LIMITS.neighbours_max
        if ready and room and not self.dialling:
            assert due_s is not None
            assert due_s <= self.now_s


TestPolicy = Policy.TestCase
TestPolicy.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_failures_double_the_pause_up_to_five_minutes() -> None:
    peers = book()
    peers.add_manual(peer(1), address(1), 0)
    now_s, pauses = 0.0, []
    for _ in range(14):
        (dial,) = peers.due(now_s)
        peers.dial_ended(dial.peer, "nobody", now_s)
        due_s = peers.next_due_s()
        assert due_s is not None
        assert peers.due(due_s - 0.01) == []
        pauses.append(due_s - now_s)
        now_s = due_s
    for number, pause_s in enumerate(pauses):
        assert min(2**number, 300) <= pause_s <= min(2**number * 1.5, 300)
    assert pauses[-1] == 300


def test_a_link_that_lasted_clears_the_back_off_and_a_short_one_does_not() -> None:
    for lived_s, low_s, high_s in ((61.0, 1.0, 1.5), (1.0, 32.0, 48.0)):
        peers = book()
        peers.add_manual(peer(1), address(1), 0)
        for _ in range(5):
            peers.begin(peer(1))
            peers.dial_ended(peer(1), "nobody", 0)
        peers.opened(peer(1), 100.0)
        peers.closed(peer(1), 100.0 + lived_s)
        due_s = peers.next_due_s()
        assert due_s is not None
        assert low_s <= due_s - 100.0 - lived_s <= high_s


def test_contacts_come_before_manual_before_bootstrap_before_the_rest() -> None:
    peers = book(PeerLimits(dials_max=10))
    for number, source in enumerate([Source.DHT, Source.BOOTSTRAP, Source.CONTACT]):
        peers.learn(peer(number), (address(number),), source, 0)
    peers.add_manual(peer(7), address(7), 0)
    assert [dial.peer for dial in peers.due(0)] == [peer(2), peer(7), peer(1), peer(0)]


def test_found_peers_are_sought_only_up_to_a_number() -> None:
    peers = book()
    for number in range(6):
        peers.learn(peer(number), (address(number),), Source.MDNS, 0)
    dialled = peers.due(0)
    assert len(dialled) == LIMITS.seek_max
    for dial in dialled:
        peers.dial_ended(dial.peer, "", 0)
        peers.opened(dial.peer, 0)
    assert peers.due(1) == []
    assert peers.next_due_s() is None
    peers.learn(peer(8), (address(8),), Source.CONTACT, 1)
    assert [dial.peer for dial in peers.due(1)] == [peer(8)]


def test_a_preferred_peer_takes_the_place_of_the_youngest_stranger() -> None:
    peers = book()
    for number in range(4):
        assert peers.admit(peer(number), number) == Admitted(PeerId(""))
        peers.opened(peer(number), number)
    assert peers.admit(peer(5), 9) == NotAdmitted("full")
    peers.add_manual(peer(5), address(5), 9)
    assert peers.admit(peer(5), 9) == Admitted(peer(3))


def test_addresses_announced_by_strangers_do_not_displace_given_ones() -> None:
    peers = book()
    peers.add_manual(peer(1), address(1, 1), 0)
    lies = tuple(address(1, port) for port in range(100, 200))
    for _ in range(10):
        peers.learn(peer(1), lies, Source.MDNS, 0)
    (dial,) = peers.due(0)
    assert dial.addresses[0] == address(1, 1)
    assert len(dial.addresses) <= 9


def test_new_addresses_are_tried_soon_but_old_ones_do_not_shorten_the_pause() -> None:
    peers = book()
    peers.learn(peer(1), (address(1),), Source.CONTACT, 0)
    for _ in range(9):
        peers.begin(peer(1))
        peers.dial_ended(peer(1), "nobody", 0)
    assert peers.next_due_s() == pytest.approx(300, abs=50)
    peers.learn(peer(1), (address(1),), Source.CONTACT, 10)
    assert peers.next_due_s() == pytest.approx(300, abs=50)
    peers.learn(peer(1), (address(1, 2),), Source.CONTACT, 10)
    assert peers.next_due_s() == 11


def test_a_peer_of_mdns_that_never_answers_is_forgotten() -> None:
    peers = book()
    peers.learn(peer(1), (address(1),), Source.MDNS, 0)
    now_s = 0.0
    while (due_s := peers.next_due_s()) is not None:
        now_s = due_s
        peers.due(now_s)
        peers.dial_ended(peer(1), "nobody", now_s)
    assert peers.views(now_s) == []
    assert now_s < 600


def test_addresses_of_a_contact_that_is_gone_are_forgotten() -> None:
    peers = book()
    peers.learn(peer(1), (address(1),), Source.CONTACT, 0)
    peers.unlearn(peer(1), Source.CONTACT)
    assert peers.views(0) == []
    peers.add_manual(peer(1), address(1), 0)
    peers.learn(peer(1), (address(1, 2),), Source.CONTACT, 0)
    peers.unlearn(peer(1), Source.CONTACT)
    peers.unlearn(peer(2), Source.CONTACT)
    assert peers.view(peer(1), 0).addresses == (address(1),)


def test_what_a_person_decided_survives_a_restart() -> None:
    peers = book()
    peers.add_manual(peer(1), address(1), 0)
    peers.ban(peer(2))
    peers.learn(peer(3), (address(3),), Source.MDNS, 0)
    records = [(one, peers.record(one)) for one in (peer(1), peer(2), peer(3))]
    assert records[2][1] is None
    again = book()
    again.load((one.encode(), record) for one, record in records if record is not None)
    assert [(view.peer, view.state) for view in again.views(0)] == [
        (peer(1), "known"),
        (peer(2), "banned"),
    ]
    assert again.view(peer(1), 0).addresses == (address(1),)


@pytest.mark.parametrize("record", [b"", b"\x93\x01\x90\x02", b"\xc1", bytes(9_000)])
def test_a_damaged_record_is_a_damaged_store(record: bytes) -> None:
    with pytest.raises(StoreDamaged):
        book().load(iter([(b"peer", record)]))


def test_we_are_no_peer_of_ours() -> None:
    peers = book()
    peers.learn(OWN, (f"/ip4/1.1.1.1/tcp/1/p2p/{OWN}",), Source.MDNS, 0)
    assert peers.views(0) == []
    assert peers.admit(OWN, 0) == NotAdmitted("self")
    with pytest.raises(UnknownName):
        peers.view(OWN, 0)
