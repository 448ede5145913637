"""Production nodes on the virtual clock: links, sizes, faults, attackers, and what is counted."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from p2p.core.effects import MessageReceived, Notice
from p2p.core.routing.table import ROUTER_NAMES
from p2p.errors import InvalidInput
from p2p.sessions.x3dh_suite import X3dhSuite
from p2p.wire.frames import Carry, Hello, Offer, decode_frame
from simulations.oracle import earliest_arrivals
from simulations.protocol.options import ProtocolOptions
from simulations.protocol.routers import make_routers
from simulations.protocol.seams import (
    ClockSet,
    Crash,
    Fault,
    Honest,
    Jammed,
    Mesh,
    Observer,
    Restart,
)
from simulations.protocol.world import ProtocolWorld
from simulations.trace import Creation, Delivery, ReplaySettings
from tests.simulations.protocol_worlds import MIB, down, message, random_scenario, up, world

DAY_S = 86_400.0


class Watch(Observer):
    """Remembers what it sees."""

    def __init__(self) -> None:
        self.frames: list[tuple[int, int, bytes]] = []
        self.received: list[str] = []
        self.deliveries: list[tuple[Delivery, bool]] = []
        self.refused: list[str] = []
        self.links: list[tuple[int, int, bool]] = []

    def arrived(
        self, time_s: float, sender: int, receiver: int, frame: bytes, size_bytes: int
    ) -> None:
        self.frames.append((sender, receiver, frame))

    def noticed(self, time_s: float, node: int, notice: Notice) -> None:
        if isinstance(notice, MessageReceived):
            self.received.append(f"{node} {notice.message.text}")

    def delivered(self, delivery: Delivery, *, timely: bool) -> None:
        self.deliveries.append((delivery, timely))

    def created(self, time_s: float, creation: Creation, *, accepted: bool) -> None:
        if not accepted:
            self.refused.append(creation.name)

    def linked(self, time_s: float, first: int, second: int, *, up: bool) -> None:
        self.links.append((first, second, up))


@pytest.mark.parametrize("router", ROUTER_NAMES)
def test_a_neighbour_gets_its_mail_and_the_sender_its_proof(router: str) -> None:
    run = world([up(10, 0, 1)], [message(5, "M1", 0, 1)], router=router)
    (delivery,) = run.run().deliveries
    assert delivery.path == (0, 1)
    assert 10.0 < delivery.time_s < 11.0
    assert run.tally.removed == 1, "the sender's copy is purged by the proof"


def test_a_carrier_brings_it_and_the_way_is_known() -> None:
    contacts = [up(10, 0, 1), down(60, 0, 1), up(100, 1, 2), down(160, 1, 2)]
    outcome = world(contacts, [message(5, "M1", 0, 2)]).run()
    assert outcome.deliveries[0].path == (0, 1, 2)
    assert (outcome.started, outcome.relayed, outcome.aborted) == (2, 2, 0)
    assert world(contacts, [message(5, "M1", 0, 2)], router="direct").run().deliveries == ()


def test_declared_sizes_count_on_the_link() -> None:
    contacts = [up(10, 0, 1)]
    small = world(contacts, [message(5, "M1", 0, 1, 100)]).run().deliveries[0].time_s
    large = world(contacts, [message(5, "M1", 0, 1, 1_000_000)]).run().deliveries[0].time_s
    assert small < 10.1
    assert large == pytest.approx(20.0, abs=0.2)


def test_a_transfer_is_broken_off_where_the_contact_ends() -> None:
    contacts = [up(10, 0, 1), down(15, 0, 1), up(100, 0, 1)]
    outcome = world(contacts, [message(5, "M1", 0, 1, 1_000_000)]).run()
    assert (outcome.started, outcome.relayed, outcome.aborted) == (2, 1, 1)
    assert outcome.deliveries[0].time_s == pytest.approx(110.0, abs=0.2)


def test_declared_sizes_count_in_the_buffer() -> None:
    contacts = [up(10, 0, 1), down(200, 0, 1), up(300, 1, 2)]
    creations = [message(n, f"M{n}", 0, 2, 400_000) for n in range(1, 6)]
    outcome = world(contacts, creations, buffer=MIB, router="epidemic").run()
    assert len(outcome.deliveries) == 2, "a buffer of 1 MiB holds two"
    assert len(world(contacts, creations, buffer=4 * MIB, router="epidemic").run().deliveries) == 5


def test_what_arrives_after_its_lifetime_is_no_delivery() -> None:
    watch = Watch()
    run = world(
        [up(1_000, 0, 1)], [message(5, "M1", 0, 1)], ProtocolOptions(observers=[watch]), ttl_min=10
    )
    assert run.run().deliveries == ()
    assert run.tally.late == 1
    assert [timely for _, timely in watch.deliveries] == [False]


def test_latency_and_loss_cost_time_and_lose_nothing() -> None:
    contacts, creations = [up(10, 0, 1)], [message(5, "M1", 0, 1, 100_000)]
    slow = ProtocolOptions(latency_s=2.0)
    lossy = ProtocolOptions(latency_s=2.0, loss=0.5, seed=3)
    quick_s, slow_s, lossy_s = (
        world(contacts, creations, options).run().deliveries[0].time_s
        for options in (ProtocolOptions(), slow, lossy)
    )
    assert slow_s - quick_s == pytest.approx(4 * (2.0 - 0.01), abs=0.1)
    assert lossy_s > slow_s + 1.0


@pytest.mark.parametrize("bad", [{"loss": 1.0}, {"loss": -0.1}, {"latency_s": -1.0}])
def test_an_impossible_link_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(InvalidInput):
        world([], [], ProtocolOptions(**bad))  # type: ignore[arg-type]


def test_a_node_that_is_not_there_is_refused() -> None:
    for contacts, creations in (([up(1, 0, 9)], []), ([], [message(1, "M", 0, 9)])):
        with pytest.raises(InvalidInput, match="no node 9"):
            world(contacts, creations)


# --- faults --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("with_memory", "arrives"), [(True, 1), (False, 0)])
def test_a_carrier_that_crashed_has_what_its_store_kept(with_memory: bool, arrives: int) -> None:
    faults: list[Fault] = [Crash(50, 1), Restart(60, 1, with_memory=with_memory)]
    contacts = [up(10, 0, 1), down(40, 0, 1), up(100, 1, 2)]
    options = ProtocolOptions(faults=faults)
    outcome = world(contacts, [message(5, "M1", 0, 2)], options).run()
    assert len(outcome.deliveries) == arrives


def test_people_can_still_write_to_each_other_after_a_lost_memory() -> None:
    options = ProtocolOptions(faults=[Crash(50, 1), Restart(60, 1, with_memory=False)])
    creations = [message(5, "M1", 0, 1), message(200, "M2", 1, 0), message(201, "M3", 0, 1)]
    outcome = world([up(10, 0, 1)], creations, options).run()
    assert [d.creation.name for d in outcome.deliveries] == ["M1", "M2", "M3"]


def test_a_node_that_is_off_writes_nothing_and_has_no_neighbours() -> None:
    watch = Watch()
    options = ProtocolOptions(faults=[Crash(1, 0), Crash(1, 0)], observers=[watch])
    outcome = world([up(10, 0, 1)], [message(5, "M1", 0, 1)], options).run()
    assert (outcome.created, len(outcome.deliveries)) == (1, 0)
    assert (watch.refused, watch.links) == (["M1"], [])


def test_a_jammed_radio_has_no_links_until_it_is_free_again() -> None:
    faults: list[Fault] = [Jammed(20, 0, on=True), Jammed(500, 0, on=False)]
    options = ProtocolOptions(faults=faults)
    outcome = world([up(10, 0, 1)], [message(100, "M1", 0, 1)], options).run()
    assert 500.0 < outcome.deliveries[0].time_s < 501.0


@pytest.mark.parametrize("offset_s", [-DAY_S / 2, DAY_S / 2])
def test_mail_arrives_between_clocks_that_differ_by_half_a_day(offset_s: float) -> None:
    options = ProtocolOptions(clock_offsets_s={0: offset_s}, faults=[ClockSet(300, 0, 0.0)])
    creations = [message(5, "M1", 0, 1), message(400, "M2", 0, 1)]
    outcome = world([up(10, 0, 1)], creations, options, ttl_min=2_880).run()
    assert [d.creation.name for d in outcome.deliveries] == ["M1", "M2"]


# --- attackers -----------------------------------------------------------------------------------


class BlackHole(Honest):
    """Offers nothing to anybody."""

    def leaving(self, mesh: Mesh, node: int, neighbour: int, frame: bytes) -> Sequence[bytes]:
        return () if isinstance(decode_frame(frame), Offer | Carry) else (frame,)


class Babbler(Honest):
    """Says its Hello again, which nobody may, as soon as it heard one, and whenever it wakes."""

    def __init__(self) -> None:
        self.woken_s: list[float] = []
        self.links: list[tuple[int, bool]] = []

    def arriving(self, mesh: Mesh, node: int, neighbour: int, frame: bytes) -> Sequence[bytes]:
        if isinstance(decode_frame(frame), Hello):
            mesh.alarm(node, mesh.now_s + 1.0)
        return (frame,)

    def woken(self, mesh: Mesh, node: int) -> None:
        self.woken_s.append(mesh.now_s)
        for neighbour in mesh.neighbours(node):
            for _ in range(3):
                assert mesh.send(node, neighbour, b"\xff no frame")
        assert not mesh.send(node, node, b"nobody")

    def linked(self, mesh: Mesh, node: int, neighbour: int, *, up: bool) -> None:
        self.links.append((neighbour, up))
        assert mesh.peer_id(node) != mesh.peer_id(neighbour)
        assert mesh.account(node) != mesh.account(neighbour)
        assert mesh.clock_s(node) > 1e9


def test_an_attacker_can_keep_what_it_was_given() -> None:
    contacts = [up(10, 0, 1), down(60, 0, 1), up(100, 1, 2), down(160, 1, 2)]
    options = ProtocolOptions(interference={1: BlackHole()})
    outcome = world(contacts, [message(5, "M1", 0, 2)], options).run()
    assert (outcome.relayed, outcome.deliveries) == (1, ())


def test_an_attacker_that_talks_nonsense_is_sent_away_and_comes_back() -> None:
    babbler = Babbler()
    options = ProtocolOptions(interference={1: babbler})
    run = world([up(10, 0, 1)], [message(500, "M1", 0, 1)], options)
    assert len(run.run().deliveries) == 1
    assert len(babbler.woken_s) > 2
    assert (0, False) in babbler.links
    assert [up for _, up in babbler.links[:3]] == [True, False, True]


# --- what always holds ---------------------------------------------------------------------------


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32), router=st.sampled_from(ROUTER_NAMES))
def test_no_router_beats_the_oracle_and_nothing_arrives_twice(seed: int, router: str) -> None:
    contacts, creations = random_scenario(seed)
    watch = Watch()
    options = ProtocolOptions(
        seed=seed, observers=[watch], visible_recipients=router == "prophet", loss=0.1
    )
    outcome = world(contacts, creations, options, router=router, nodes=8, end_s=6_000.0).run()
    best = earliest_arrivals(8, contacts, creations, 600 * 60.0)
    for delivery in outcome.deliveries:
        assert delivery.time_s >= best[delivery.creation.name]
        assert delivery.path[0] == delivery.creation.source
        assert delivery.path[-1] == delivery.creation.destination
    assert len(watch.received) == len(set(watch.received))
    assert outcome.started == outcome.relayed + outcome.aborted


def test_every_frame_on_a_link_is_one_of_the_protocol() -> None:
    contacts, creations = random_scenario(5)
    watch = Watch()
    world(contacts, creations, ProtocolOptions(observers=[watch]), nodes=8).run()
    kinds = {type(decode_frame(frame)).__name__ for _, _, frame in watch.frames}
    assert {"Hello", "Offer", "Want", "Carry", "Taken", "ProofFrame"} <= kinds


def test_the_products_own_suite_delivers_the_same() -> None:
    contacts, creations = random_scenario(7)
    settings_ = ReplaySettings(8, 4_000.0, 100_000, MIB, 600, "real")
    real = ProtocolWorld(
        settings_, contacts, creations, make_routers("spray", 8), make_suite=lambda _: X3dhSuite()
    )
    stand_in = ProtocolWorld(settings_, contacts, creations, make_routers("spray", 8))
    assert delivered(real) == delivered(stand_in)


def delivered(run: ProtocolWorld) -> set[str]:
    return {delivery.creation.name for delivery in run.run().deliveries}
