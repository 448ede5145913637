"""A hostile neighbour: whatever it says, the node neither falls nor forgets, and it pays."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from p2p.core.config import CustodyConfig, LinkConfig
from p2p.core.effects import ClockDisagrees, Disconnect, Effect, SendFrame
from p2p.core.events import FrameReceived, LinkClosed, LinkOpened, Woken
from p2p.errors import MolvaError
from p2p.ports.store import MessageState
from p2p.wire.envelope import EnvelopeHeader
from p2p.wire.frames import (
    Accepts,
    Bye,
    Carry,
    Credit,
    Found,
    Frame,
    Hello,
    Offer,
    OfferEntry,
    ProofFrame,
    Refusal,
    RefusalReason,
    Refused,
    Seek,
    Taken,
    Want,
    decode_frame,
    encode_frame,
)
from p2p.wire.ids import PeerId, Proof, Tag, envelope_id, tag_of
from p2p.wire.limits import FRAME_SIZE_MAX_BYTES, WINDOW_MAX_BYTES, WINDOW_MIN_BYTES
from tests.core.world import LINK_LATENCY_S, START_S, Seat, World, peer_for

MakeWorld = Callable[..., World]
MALLORY = peer_for("mallory")
HOUR = int(START_S) // 3600


def hello(window_bytes: int = 1_048_576, **changes: object) -> Hello:
    fields: dict[str, object] = {
        "versions": (1,),
        "clock_s": int(START_S),
        "window_bytes": window_bytes,
        "accepts": int(Accepts.MAIL),
        "hint": b"",
        **changes,
    }
    return Hello(**fields)  # type: ignore[arg-type]


def envelope(seed: int = 0, expiry_hour: int = HOUR + 24, tag: bytes = b"t" * 16) -> bytes:
    header = EnvelopeHeader(0, expiry_hour, Tag(tag)).encode()
    return header + random.Random(seed).randbytes(256 - len(header))


class Victim:
    """One node with Mallory as its neighbour."""

    def __init__(self, world: World, *, greeted: bool = True) -> None:
        self.world = world
        self.seat: Seat = world.seats["alice"]
        self.step(LinkOpened(MALLORY, LINK_LATENCY_S))
        if greeted:
            self.say(hello())

    def step(self, event: object) -> list[Effect]:
        return self.seat.step([event], self.world.now_s)  # type: ignore[list-item]

    def say(self, frame: Frame) -> list[Effect]:
        return self.raw(encode_frame(frame))

    def raw(self, data: bytes) -> list[Effect]:
        return self.step(FrameReceived(MALLORY, data))

    def wait(self, seconds: float) -> list[Effect]:
        self.world.now_s += seconds
        return self.step(Woken())

    @property
    def custody(self) -> int:
        return self.seat.node.custody_counts()[0]


def frames(effects: list[Effect]) -> list[Frame]:
    return [decode_frame(e.data) for e in effects if isinstance(e, SendFrame)]


def sent_away(effects: list[Effect]) -> bool:
    return any(isinstance(e, Disconnect) and e.peer == MALLORY for e in effects)


@pytest.fixture
def victim(make_world: MakeWorld) -> Victim:
    return Victim(make_world("alice"))


# --- bytes ---------------------------------------------------------------------------------------

some_bytes = st.binary(max_size=300)
ids = st.binary(min_size=32, max_size=32)
tags = st.binary(min_size=16, max_size=16)
small = st.integers(0, 255)
any_frame = st.one_of(
    st.builds(hello, st.integers(WINDOW_MIN_BYTES, WINDOW_MAX_BYTES)),
    st.builds(
        lambda i, h, t, c: Offer((OfferEntry(i, 0, h, t, c),)),
        ids,
        st.integers(0, 2**32 - 1),
        tags,
        small,
    ),
    st.builds(lambda i: Want((i,)), ids),
    st.builds(lambda s, h, c: Carry(envelope(s, h), c, c), small, st.integers(0, 2**32 - 1), small),
    st.builds(lambda b, c: Carry(b, c, c), st.binary(min_size=256, max_size=256), small),
    st.builds(lambda i: Taken((i,)), ids),
    st.builds(lambda i, r: Refused((Refusal(i, r),)), ids, small),
    st.builds(lambda p: ProofFrame((p,)), ids),
    st.builds(Credit, st.integers(1, WINDOW_MAX_BYTES)),
    st.builds(Seek, ids),
    st.builds(Found, st.binary(min_size=1, max_size=300)),
    st.builds(Bye, st.text(max_size=16)),
).map(encode_frame)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.lists(st.one_of(some_bytes, any_frame), max_size=40), greet=st.booleans())
def test_any_bytes_in_any_order_give_effects_and_never_an_exception(
    make_world: MakeWorld, data: list[bytes], *, greet: bool
) -> None:
    victim = Victim(make_world("alice"), greeted=greet)
    for one in data:
        victim.raw(one)
    victim.wait(1_000.0)
    assert victim.seat.node.next_wakeup() is not None
    victim.seat.boot(victim.world.now_s)


@pytest.mark.parametrize(
    "data",
    [b"", b"\xc1", b"\x91", b"\x91\xcc\xff", b"x" * (FRAME_SIZE_MAX_BYTES + 1), b"\x90" * 50],
)
def test_garbage_is_counted_and_three_times_is_enough(victim: Victim, data: bytes) -> None:
    assert not sent_away(victim.raw(data))
    assert not sent_away(victim.raw(data))
    assert sent_away(victim.raw(data))
    assert victim.raw(data)


# --- greeting ------------------------------------------------------------------------------------


def test_nothing_may_precede_hello(make_world: MakeWorld) -> None:
    victim = Victim(make_world("alice"), greeted=False)
    for _ in range(3):
        effects = victim.say(Carry(envelope(), 8, 1))
    assert sent_away(effects)
    assert victim.custody == 0


def test_a_second_hello_is_a_strike(victim: Victim) -> None:
    victim.say(hello())
    victim.say(hello())
    assert sent_away(victim.say(hello()))


def test_another_version_is_sent_away_with_a_reason(make_world: MakeWorld) -> None:
    victim = Victim(make_world("alice"), greeted=False)
    effects = victim.say(hello(versions=(2, 3)))
    assert sent_away(effects)
    assert Bye("wrong-version") in frames(effects)


def test_silence_instead_of_hello_ends_the_link(make_world: MakeWorld) -> None:
    victim = Victim(make_world("alice"), greeted=False)
    assert sent_away(victim.wait(20.0))


def test_a_clock_off_by_a_week_is_told(make_world: MakeWorld) -> None:
    victim = Victim(make_world("alice"), greeted=False)
    victim.seat.notices.clear()
    effects = victim.say(hello(clock_s=int(START_S) + 7 * 86_400))
    notices = [e.notice for e in effects if hasattr(e, "notice")]
    assert ClockDisagrees(MALLORY, 7 * 86_400.0) in notices


# --- floods --------------------------------------------------------------------------------------


def test_whoever_ignores_credit_is_sent_away(make_world: MakeWorld) -> None:
    world = make_world("alice", link=LinkConfig(window_bytes=WINDOW_MIN_BYTES))
    victim = Victim(world)
    batch = [FrameReceived(MALLORY, encode_frame(Bye("x" * 64)))] * 3_000
    effects = victim.seat.step(batch, world.now_s)
    assert sent_away(effects)


def test_whoever_outruns_its_budget_is_sent_away_for_longer_each_time(
    make_world: MakeWorld,
) -> None:
    world = make_world("alice", link=LinkConfig(burst_frames=10, rate_frames_per_s=1))
    victim = Victim(world)
    waits: list[float] = []
    for _ in range(3):
        effects: list[Effect] = []
        while not sent_away(effects):
            effects = victim.say(Bye("again"))
        waits += [e.retry_after_s for e in effects if isinstance(e, Disconnect)]
        world.now_s += 60.0
        victim.step(LinkOpened(MALLORY, LINK_LATENCY_S))
        victim.say(hello())
    assert waits == [30.0, 60.0, 120.0]


def test_a_flood_of_envelopes_fills_one_depositors_quota_and_no_more(
    make_world: MakeWorld,
) -> None:
    quota = CustodyConfig(depositor_max_bytes=20 * 256)
    victim = Victim(make_world("alice", custody=quota))
    reasons: list[int] = []
    for seed in range(100):
        tag = seed.to_bytes(16, "big")
        for frame in frames(victim.say(Carry(envelope(seed, tag=tag), 8, 1))):
            if isinstance(frame, Refused):
                reasons += [refusal.reason for refusal in frame.refusals]
    assert victim.custody == 20
    assert set(reasons) == {RefusalReason.FULL}


def test_envelopes_under_one_tag_are_few(victim: Victim) -> None:
    for seed in range(20):
        victim.say(Carry(envelope(seed), 8, 1))
    assert victim.custody == 4


def test_offers_are_wanted_within_the_quota_that_is_left(make_world: MakeWorld) -> None:
    quota = CustodyConfig(depositor_max_bytes=10 * 256)
    victim = Victim(make_world("alice", custody=quota))
    entries = tuple(
        OfferEntry(bytes([n]) * 32, 0, HOUR + 24, bytes([n]) * 16, 8) for n in range(1, 60)
    )
    (refused, want) = [f for f in frames(victim.say(Offer(entries))) if not isinstance(f, Credit)]
    assert isinstance(want, Want)
    assert isinstance(refused, Refused)
    assert len(want.ids) == 10
    assert len(refused.refusals) == 49


def test_made_up_proofs_cost_bounded_memory(make_world: MakeWorld) -> None:
    quota = CustodyConfig(proofs_unmatched_max=50)
    victim = Victim(make_world("alice", custody=quota))
    victim.say(Carry(envelope(), 8, 1))
    for start in range(0, 1_000, 200):
        proofs = tuple(n.to_bytes(32, "big") for n in range(start, start + 200))
        victim.say(ProofFrame(proofs))
    assert victim.seat.node.custody_counts()[2] <= 50
    assert victim.custody == 1


def test_a_first_contact_whose_proof_is_known_is_refused(victim: Victim) -> None:
    proof = Proof(b"p" * 32)
    victim.say(ProofFrame((proof,)))
    plain = envelope()
    data = plain[:22] + tag_of(proof) + plain[38:]
    refusal = Refusal(envelope_id(data), RefusalReason.PROVEN)
    replies = frames(victim.say(Carry(data, 8, 1)))
    assert replies == [Refused((refusal,)), ProofFrame((proof,))]
    assert victim.custody == 0


def test_credit_that_runs_out_stops_mail_and_offers_until_it_comes_back(
    make_world: MakeWorld,
) -> None:
    world = make_world("alice", "bob")
    world.befriend("bob", "alice")
    victim = Victim(world, greeted=False)
    victim.say(hello(WINDOW_MIN_BYTES))
    rows = [world.send("alice", "bob", "x" * 59_000) for _ in range(6)]
    wanted = tuple(row.id for row in victim.seat.store.custody())
    first = frames(victim.say(Want(wanted)))
    carried = [frame for frame in first if isinstance(frame, Carry)]
    assert len(rows) == 6
    assert 1 <= len(carried) < len(wanted)
    more: list[Frame] = []
    while len(carried) + len(more) < len(wanted):
        effects = frames(victim.say(Credit(FRAME_SIZE_MAX_BYTES)))
        got = [frame for frame in effects if isinstance(frame, Carry)]
        assert got
        more += got


def test_what_is_wanted_and_gone_is_refused_so_that_nobody_waits_for_it(
    make_world: MakeWorld,
) -> None:
    """Wanted, then evicted before there was credit to carry it."""
    world = make_world("alice", "bob")
    world.befriend("bob", "alice")
    victim = Victim(world, greeted=False)
    victim.say(hello(WINDOW_MIN_BYTES))
    for _ in range(6):
        world.send("alice", "bob", "x" * 59_000)
    wanted = {row.id for row in victim.seat.store.custody()}
    first = frames(victim.say(Want(tuple(wanted))))
    waiting = wanted - {envelope_id(f.envelope) for f in first if isinstance(f, Carry)}
    assert waiting
    with victim.seat.store.transaction():
        for envelope in waiting:
            victim.seat.node._custody.finish(envelope, "evicted")
    refused = [f for f in frames(victim.say(Credit(4_096))) if isinstance(f, Refused)]
    assert {one.id for frame in refused for one in frame.refusals} == waiting


def test_who_lets_us_wait_does_not_keep_others_from_bringing_it(make_world: MakeWorld) -> None:
    """Carol offers Bob his mail and never brings it; Dave has it too."""
    world = make_world("alice", "bob", "carol", "dave")
    world.connect("alice", "bob")
    world.befriend("bob", "alice")
    world.run(60)
    world.disconnect("alice", "bob")
    for carrier in ("carol", "dave"):
        world.connect("alice", carrier)
    world.run(5)
    world.send("alice", "bob", "hello")
    world.run(30)
    for carrier in ("carol", "dave"):
        world.disconnect("alice", carrier)
    world.lose = lambda sender, _, frame: (
        sender == "carol" and isinstance(decode_frame(frame), Carry)
    )
    world.connect("carol", "bob")
    world.run(5)
    world.connect("dave", "bob")
    world.run(5)
    assert not world.seats["bob"].received()
    world.run(2 * LINK_LATENCY_S)
    assert [row.text for row in world.seats["bob"].received()] == ["hello"]


def test_looking_for_many_bundles_is_probing(victim: Victim) -> None:
    effects: list[Effect] = []
    for number in range(70):
        effects += victim.say(Seek(number.to_bytes(32, "big")))
    assert sent_away(effects)
    assert not any(isinstance(frame, Found) for frame in frames(effects))


def test_too_much_credit_is_refused(victim: Victim) -> None:
    assert sent_away(victim.say(Credit(WINDOW_MAX_BYTES)))


# --- lies ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (envelope(expiry_hour=HOUR - 1), RefusalReason.EXPIRED),
        (envelope(expiry_hour=HOUR + 24 * 400), RefusalReason.TOO_FAR),
    ],
)
def test_the_dead_and_the_immortal_are_refused(
    victim: Victim, data: bytes, reason: RefusalReason
) -> None:
    (refused,) = frames(victim.say(Carry(data, 8, 1)))
    assert refused == Refused((Refusal(envelope_id(data), reason),))
    assert victim.custody == 0
    entry = OfferEntry(envelope_id(data), 0, int.from_bytes(data[2:6], "big"), b"t" * 16, 8)
    assert frames(victim.say(Offer((entry,)))) == [refused]


@pytest.mark.parametrize("spoil", [lambda e: b"\x02" + e[1:], lambda e: e + bytes(256)])
def test_no_envelope_is_a_strike(victim: Victim, spoil: Callable[[bytes], bytes]) -> None:
    for _ in range(2):
        victim.say(Carry(spoil(envelope()), 8, 1))
    assert sent_away(victim.say(Carry(spoil(envelope()), 8, 1)))


def test_a_duplicate_is_refused_as_had(victim: Victim) -> None:
    data = envelope()
    assert frames(victim.say(Carry(data, 8, 1))) == [Taken((envelope_id(data),))]
    refusal = Refusal(envelope_id(data), RefusalReason.HAVE)
    assert frames(victim.say(Carry(data, 8, 1))) == [Refused((refusal,))]
    assert victim.custody == 1


def test_an_envelope_without_copies_is_for_its_recipient_only(victim: Victim) -> None:
    data = envelope()
    refusal = Refusal(envelope_id(data), RefusalReason.NOT_CARRYING)
    assert frames(victim.say(Carry(data, 0, 1))) == [Refused((refusal,))]


def test_a_node_that_carries_for_nobody_refuses_strangers(make_world: MakeWorld) -> None:
    victim = Victim(make_world("alice", carry_for_strangers=0))
    data = envelope()
    refusal = Refusal(envelope_id(data), RefusalReason.NOT_CARRYING)
    assert frames(victim.say(Carry(data, 8, 1))) == [Refused((refusal,))]


def test_what_was_not_offered_here_cannot_be_had(make_world: MakeWorld) -> None:
    """A neighbour that learned an id elsewhere cannot find out whether we hold it."""
    victim = Victim(make_world("alice"))
    other = PeerId(peer_for("nancy"))
    victim.step(LinkOpened(other, LINK_LATENCY_S))
    victim.seat.step([FrameReceived(other, encode_frame(hello(accepts=0)))], victim.world.now_s)
    data = envelope()
    victim.say(Carry(data, 8, 1))
    want = FrameReceived(other, encode_frame(Want((envelope_id(data),))))
    (reply,) = frames(victim.seat.step([want], victim.world.now_s))
    assert reply == Refused((Refusal(envelope_id(data), RefusalReason.OTHER),))


def test_a_false_taken_changes_nothing(make_world: MakeWorld) -> None:
    """Mallory says that she holds what she never was given."""
    world = make_world("alice", "bob")
    world.connect("alice", "bob")
    world.befriend("bob", "alice")
    world.run(60)
    world.disconnect("alice", "bob")
    victim = Victim(world)
    row = world.send("alice", "bob", "hello")
    victim.say(Taken(tuple(kept.id for kept in victim.seat.store.custody())))
    assert victim.seat.sent(row.id).state is MessageState.QUEUED
    assert victim.seat.sent(row.id).carriers == 0


def test_forged_proofs_do_not_deliver(make_world: MakeWorld) -> None:
    world = make_world("alice", "bob")
    world.connect("alice", "bob")
    world.befriend("bob", "alice")
    world.run(60)
    world.disconnect("alice", "bob")
    victim = Victim(world)
    row = world.send("alice", "bob", "hello")
    for kept in victim.seat.store.custody():
        victim.say(ProofFrame((kept.tag * 2, kept.commitment * 2, kept.id)))
    assert victim.seat.sent(row.id).state is not MessageState.DELIVERED


def test_an_envelope_forged_under_a_live_tag_burns_nothing(make_world: MakeWorld) -> None:
    world = make_world("alice", "bob")
    world.connect("alice", "bob")
    world.befriend("bob", "alice")
    world.run(60)
    world.disconnect("alice", "bob")
    world.send("alice", "bob", "the true one")
    (true,) = [r for r in world.seats["alice"].store.custody() if r.copies]
    bob = world.seats["bob"]
    bob.step([LinkOpened(MALLORY, LINK_LATENCY_S)], world.now_s)
    bob.step([FrameReceived(MALLORY, encode_frame(hello()))], world.now_s)
    for seed in range(6):
        forged = envelope(seed, int(true.expires_s) // 3600, true.tag)
        bob.step([FrameReceived(MALLORY, encode_frame(Carry(forged, 8, 1)))], world.now_s)
    assert bob.received() == []
    world.connect("alice", "bob")
    world.run(60)
    assert [r.text for r in bob.received()] == ["the true one"]


def test_a_replayed_envelope_is_shown_once(make_world: MakeWorld) -> None:
    world = make_world("alice", "bob")
    world.connect("alice", "bob")
    world.befriend("bob", "alice")
    world.run(60)
    world.send("alice", "bob", "once")
    world.run(60)
    bob = world.seats["bob"]
    carried = [data for _, to, data in world.frames if to == "bob" and data[1] == 3]
    bob.step([LinkOpened(MALLORY, LINK_LATENCY_S)], world.now_s)
    bob.step([FrameReceived(MALLORY, encode_frame(hello()))], world.now_s)
    for data in carried * 2:
        bob.step([FrameReceived(MALLORY, data)], world.now_s)
    assert [r.text for r in bob.received()] == ["once"]
    assert bob.node.custody_counts()[0] == 0


# --- stalls --------------------------------------------------------------------------------------


def test_a_neighbour_that_takes_no_credit_back_gets_no_more_than_its_window(
    make_world: MakeWorld,
) -> None:
    world = make_world("alice", "bob")
    world.befriend("bob", "alice")
    victim = Victim(world, greeted=False)
    victim.say(hello(WINDOW_MIN_BYTES))
    size = 0
    for number in range(40):
        world.send("alice", "bob", "x" * 20_000)
        entry = [f for f in world.frames if f[0] == "alice"]
        ids_offered = [
            e.id for *_, d in entry if isinstance(f := decode_frame(d), Offer) for e in f.entries
        ]
        effects = victim.say(Want(tuple(ids_offered[-200:]) or (bytes(32),)))
        size += sum(len(e.data) for e in effects if isinstance(e, SendFrame))
        assert size <= WINDOW_MIN_BYTES, number


def test_a_neighbour_that_never_answers_offers_is_left(make_world: MakeWorld) -> None:
    world = make_world("alice", "bob")
    world.befriend("bob", "alice")
    victim = Victim(world)
    world.send("alice", "bob", "hello")
    effects: list[Effect] = []
    for _ in range(12):
        wake = victim.seat.node.next_wakeup()
        assert wake is not None
        effects += victim.wait(max(wake - world.now_s, 3_600.0))
    assert sent_away(effects)


def test_what_one_neighbour_promised_and_never_sent_is_asked_of_the_next(
    make_world: MakeWorld,
) -> None:
    victim = Victim(make_world("alice"))
    nancy = peer_for("nancy")
    victim.step(LinkOpened(nancy, LINK_LATENCY_S))
    victim.seat.step([FrameReceived(nancy, encode_frame(hello()))], victim.world.now_s)
    data = envelope()
    entry = OfferEntry(envelope_id(data), 0, HOUR + 24, b"t" * 16, 8)
    assert frames(victim.say(Offer((entry,)))) == [Want((entry.id,))]
    offer = FrameReceived(nancy, encode_frame(Offer((entry,))))
    assert frames(victim.seat.step([offer], victim.world.now_s)) == []
    effects = victim.step(LinkClosed(MALLORY))
    assert Want((entry.id,)) in frames(effects)


def test_errors_are_ours(victim: Victim) -> None:
    """Whatever is refused has a code of the one tree."""
    effects = victim.raw(b"\xc1")
    codes = [dict(e.fields)["code"] for e in effects if getattr(e, "kind", "") == "peer-refused"]
    known = {cls.code for cls in MolvaError.__subclasses__()}
    known |= {sub.code for cls in MolvaError.__subclasses__() for sub in cls.__subclasses__()}
    assert codes
    assert set(map(str, codes)) <= known
