"""Few envelopes on their way at a time, and quotas that charge what a scenario declares."""

from __future__ import annotations

from p2p.adapters.memory_store import MemoryStore
from p2p.core.config import CustodyConfig, LinkConfig
from p2p.core.custody import Custody
from p2p.ports.store import MessageState, Tier
from p2p.wire.frames import Carry, ProofFrame, RefusalReason, decode_frame
from p2p.wire.ids import EnvelopeId, PeerId, Tag
from simulations.standin_suite import InsecureStandinSuite
from tests.core.test_custody import row
from tests.core.world import SeededEntropy, World

ALICE = PeerId("alice")
IN_FLIGHT = 3


def test_no_more_envelopes_are_on_their_way_than_the_policy_says() -> None:
    link = LinkConfig(carries_unanswered_max=IN_FLIGHT)
    world = World(lambda name: InsecureStandinSuite(SeededEntropy(name)), link=link)
    world.add("alice")
    world.add("bob")
    world.add("carol")
    world.befriend("bob", "alice")
    world.connect("alice", "bob")
    world.run(5.0)
    world.disconnect("alice", "bob")
    messages = [world.send("alice", "bob", f"message {n}").id for n in range(10)]
    before = len(world.frames)
    world.connect("alice", "carol")
    world.run(0.035)
    carried = [f for a, _, f in world.frames[before:] if a == "alice" and _is_carry(f)]
    assert len(carried) == IN_FLIGHT
    world.run(60.0)
    assert all(world.seats["alice"].sent(m).state is MessageState.CARRIED for m in messages)


def _is_carry(frame: bytes) -> bool:
    return isinstance(decode_frame(frame), Carry)


def test_quotas_charge_what_the_policy_says_an_envelope_takes() -> None:
    store = MemoryStore()
    config = CustodyConfig(
        strangers_max_bytes=3_000, depositor_max_bytes=3_000, charge=lambda _, size: 10 * size
    )
    with store.transaction():
        kept = Custody(store, config)
        assert kept.room_for(EnvelopeId(b""), 256) == 2_560
        assert kept.add(row(1, size_bytes=100), b"x" * 100) == []
        assert kept.add(row(2, size_bytes=100), b"x" * 100) == []
        assert kept.carried_for_others() == (2, 2_000)
        full = kept.refusal(Tag(b"t"), kept.room_for(EnvelopeId(b""), 110), Tier.STRANGER, ALICE)
        assert full is RefusalReason.FULL
        assert [one.row.id for one in kept.add(row(3, size_bytes=150), b"x" * 150)]
        assert kept.carried_for_others()[1] <= 3_000


def test_a_neighbour_is_not_told_again_which_proofs_it_has() -> None:
    world = World(lambda name: InsecureStandinSuite(SeededEntropy(name)))
    for name in ("alice", "bob", "carol"):
        world.add(name)
    world.befriend("bob", "alice")
    world.connect("alice", "bob")
    world.run(60.0)
    world.send("alice", "bob", "hello")
    world.run(60.0)
    world.disconnect("alice", "bob")
    world.send("alice", "bob", "there is something to offer at every meeting")
    told = [_proofs_told(world, "alice", "carol") for _ in range(3)]
    assert told[0] > 0
    assert told[1:] == [0, 0]
    world.crash("alice")
    assert _proofs_told(world, "alice", "carol") >= told[0]


def _proofs_told(world: World, teller: str, other: str) -> int:
    before = len(world.frames)
    world.connect(teller, other)
    world.run(60.0)
    world.disconnect(teller, other)
    frames = [decode_frame(f) for a, _, f in world.frames[before:] if a == teller]
    return sum(len(frame.proofs) for frame in frames if isinstance(frame, ProofFrame))
