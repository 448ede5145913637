"""Partitions, restarts and clocks in any order: in the end all have the newest, and never less."""

from __future__ import annotations

from itertools import combinations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from p2p.ports.store import RecordRow
from simulations.standin_suite import InsecureStandinSuite
from tests.core.records.worlds import held, publish
from tests.core.world import LATENCY_S, SeededEntropy, World

NAMES = ("alice", "bob", "carol", "dave")
names = st.sampled_from(NAMES)
pairs = st.sampled_from(list(combinations(NAMES, 2)))
titles = st.sampled_from([b"one", b"two"])


class Partitions(RuleBasedStateMachine):
    """Four nodes that publish, meet, part and crash."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(lambda name: InsecureStandinSuite(SeededEntropy(name)))
        for name in NAMES:
            self.world.add(name)
        self.linked: dict[tuple[str, str], None] = {}
        self.newest: dict[tuple[str, bytes], tuple[RecordRow, bytes]] = {}
        self.seen: dict[tuple[str, str, bytes], int] = {}

    @rule(name=names, title=titles, body=st.binary(min_size=1, max_size=40_000))
    def publish(self, name: str, title: bytes, body: bytes) -> None:
        row = publish(self.world, name, body, record=title)
        self.newest[name, title] = (row, body)

    @rule(pair=pairs)
    def meet(self, pair: tuple[str, str]) -> None:
        if pair not in self.linked:
            self.linked[pair] = None
            self.world.connect(*pair)

    @rule(pair=pairs)
    def part(self, pair: tuple[str, str]) -> None:
        if pair in self.linked:
            del self.linked[pair]
            self.world.disconnect(*pair)
            self.world.run(LATENCY_S)  # what is on its way does not arrive on the next link

    @rule(name=names)
    def crash(self, name: str) -> None:
        self.world.crash(name)
        self.world.run(LATENCY_S)
        self.linked = {pair: None for pair in self.linked if name not in pair}

    @rule(seconds=st.sampled_from([0.005, 0.02, 0.05, 0.3, 5.0]))
    def pass_time(self, seconds: float) -> None:
        self.world.run(seconds)

    @invariant()
    def nobody_goes_back(self) -> None:
        for name in NAMES:
            for (author, title), (row, _) in self.newest.items():
                kept = self.world.seats[name].store.record(row.key)
                version = -1 if kept is None else kept.version
                assert version >= self.seen.get((name, author, title), -1)
                self.seen[name, author, title] = version

    def teardown(self) -> None:
        for pair in combinations(NAMES, 2):
            self.meet(pair)
        self.world.run(30.0)
        for row, body in self.newest.values():
            assert [held(self.world, name, row) for name in NAMES] == [body] * len(NAMES)
        for seat in self.world.seats.values():
            assert len(list(seat.store.records())) == len(self.newest)
            assert not [note for note in seat.notes if note.kind == "peer-refused"]


TestPartitions = Partitions.TestCase
TestPartitions.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
