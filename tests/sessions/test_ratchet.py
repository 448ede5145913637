"""The library's ratchet in our clothes, held against one written from the specification."""

from __future__ import annotations

import asyncio
import copy
import random

import doubleratchet as dr
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p.errors import LimitExceeded, NotAuthentic, Replayed, StoreDamaged
from p2p.sessions.ratchet import SessionRatchet, _DhRatchet, _Inside, run
from p2p.sessions.suite import NOTHING_MISSING, RatchetMessage
from p2p.wire.limits import SKIPPED_KEYS_MAX, SKIPPED_KEYS_PER_CHAIN_MAX
from tests.sessions.small_ratchet import SmallRatchet, public_of

ROOT = bytes(range(32))
AD = b"a" * 32


def pair() -> tuple[SessionRatchet, SessionRatchet]:
    prekey = X25519PrivateKey.generate()
    alice, first = SessionRatchet.begin(ROOT, public_of(prekey), b"first", AD)
    bob, content = SessionRatchet.accept(ROOT, prekey.private_bytes_raw(), first, AD)
    assert content == b"first"
    return alice, bob


class Small:
    """The specification's ratchet behind the interface of the real one."""

    def __init__(self, state: SmallRatchet) -> None:
        self.state = state

    def encrypt(self, content: bytes, associated: bytes) -> RatchetMessage:
        return RatchetMessage(*self.state.encrypt(content, associated))

    def decrypt(self, message: RatchetMessage, associated: bytes) -> bytes:
        return self.state.decrypt(*message, associated)


def small_initiator() -> tuple[Small, SessionRatchet]:
    prekey = X25519PrivateKey.generate()
    small = Small(SmallRatchet.init_alice(ROOT, public_of(prekey)))
    first = small.encrypt(b"first", AD)
    real, content = SessionRatchet.accept(ROOT, prekey.private_bytes_raw(), first, AD)
    assert content == b"first"
    return small, real


def small_responder() -> tuple[SessionRatchet, Small]:
    prekey = X25519PrivateKey.generate()
    real, first = SessionRatchet.begin(ROOT, public_of(prekey), b"first", AD)
    small = Small(SmallRatchet.init_bob(ROOT, prekey))
    assert small.decrypt(first, AD) == b"first"
    return real, small


@pytest.mark.parametrize("make", [small_initiator, small_responder, pair])
@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_it_speaks_with_the_specifications_ratchet_in_any_order(make, seed: int) -> None:
    draw = random.Random(seed)
    sides = make()
    under_way: tuple[list, list] = ([], [])
    for step in range(60):
        side = draw.randrange(2)
        if draw.random() < 0.5:
            content = bytes([step]) * draw.randrange(40)
            under_way[side].append((sides[side].encrypt(content, AD), content))
        elif under_way[side]:
            message, content = under_way[side].pop(draw.randrange(len(under_way[side])))
            if draw.random() < 0.8:
                assert sides[1 - side].decrypt(message, AD) == content


@given(cuts=st.lists(st.booleans(), min_size=10, max_size=30))
@settings(max_examples=30, deadline=None)
def test_a_ratchet_at_rest_goes_on_where_it_was(cuts: list[bool]) -> None:
    alice, bob = pair()
    missing = []
    for number, cut in enumerate(cuts):
        message = alice.encrypt(bytes([number]), AD)
        if cut:
            missing.append((message, bytes([number])))
        else:
            assert bob.decrypt(message, AD) == bytes([number])
        bob = SessionRatchet.load(bob.dump(5).data)
        alice = SessionRatchet.load(alice.dump(5).data)
        if number % 7 == 3:
            assert alice.decrypt(bob.encrypt(b"turn", AD), AD) == b"turn"
    for message, content in missing:
        assert bob.decrypt(message, AD) == content
        bob = SessionRatchet.load(bob.dump(6).data)
    assert bob.dump(6).oldest_day == NOTHING_MISSING


def test_a_message_decrypts_once() -> None:
    alice, bob = pair()
    message = alice.encrypt(b"once", AD)
    late = alice.encrypt(b"late", AD)
    bob.decrypt(late, AD)
    bob.decrypt(message, AD)
    for again in (message, late):
        with pytest.raises(Replayed):
            bob.decrypt(again, AD)


@pytest.mark.parametrize("turn", [False, True])
def test_a_failed_decryption_changes_nothing(turn: bool) -> None:
    alice, bob = pair()
    alice.encrypt(b"missing", AD)
    if turn:
        alice.decrypt(bob.encrypt(b"turn", AD), AD)
        alice.encrypt(b"missing too", AD)
    good = alice.encrypt(b"good", AD)
    before = bob.dump(1)
    forgeries = [
        good._replace(text=good.text[:-1] + bytes([good.text[-1] ^ 1])),
        good._replace(number=good.number + 1),
        good._replace(previous=good.previous + 1),
        good._replace(key=bytes(31) + b"\x09"),
        good._replace(text=b""),
        good._replace(text=b"short"),
    ]
    for forged in forgeries:
        with pytest.raises(NotAuthentic):
            bob.decrypt(forged, AD)
        assert bob.dump(1) == before
    with pytest.raises(NotAuthentic):
        bob.decrypt(good, b"b" * 32)
    assert bob.dump(1) == before
    assert bob.decrypt(good, AD) == b"good"


@pytest.mark.parametrize("point", [bytes(32), b"\x01" + bytes(31)])
def test_a_ratchet_key_of_small_order_is_refused(point: bytes) -> None:
    alice, bob = pair()
    message = alice.encrypt(b"x", AD)._replace(key=point)
    before = bob.dump(1)
    with pytest.raises(NotAuthentic):
        bob.decrypt(message, AD)
    assert bob.dump(1) == before


def test_too_many_missing_messages_are_refused_and_a_thousand_are_not() -> None:
    alice, bob = pair()
    for _ in range(SKIPPED_KEYS_PER_CHAIN_MAX):
        alice.encrypt(b"", AD)
    last = alice.encrypt(b"the 1001st", AD)
    beyond = alice.encrypt(b"the 1002nd", AD)
    before = bob.dump(1)
    with pytest.raises(LimitExceeded):
        bob.decrypt(beyond, AD)
    assert bob.dump(1) == before
    assert bob.decrypt(last, AD) == b"the 1001st"
    assert bob.decrypt(beyond, AD) == b"the 1002nd"


def test_a_chain_that_claims_a_long_past_is_refused() -> None:
    alice, bob = pair()
    alice.decrypt(bob.encrypt(b"turn", AD), AD)
    message = alice.encrypt(b"x", AD)._replace(previous=5_000)
    with pytest.raises(LimitExceeded):
        bob.decrypt(message, AD)


def test_a_first_message_that_claims_a_long_past_is_refused() -> None:
    prekey = X25519PrivateKey.generate()
    alice, _ = SessionRatchet.begin(ROOT, public_of(prekey), b"", AD)
    for _ in range(SKIPPED_KEYS_PER_CHAIN_MAX):
        late = alice.encrypt(b"", AD)
    beyond = alice.encrypt(b"", AD)
    assert SessionRatchet.accept(ROOT, prekey.private_bytes_raw(), late, AD)[1] == b""
    with pytest.raises(LimitExceeded):
        SessionRatchet.accept(ROOT, prekey.private_bytes_raw(), beyond, AD)


def test_missing_keys_are_bounded_and_the_oldest_go_first() -> None:
    alice, bob = pair()
    chains = []
    for _ in range(3):
        chains.append([alice.encrypt(b"m", AD) for _ in range(901)])
        bob.decrypt(chains[-1][-1], AD)
        alice.decrypt(bob.encrypt(b"turn", AD), AD)
    state = bob.dump(1)
    assert len(state.data) == len(pair()[1].dump(1).data) + 72 * SKIPPED_KEYS_MAX
    with pytest.raises(NotAuthentic):
        bob.decrypt(chains[0][0], AD)
    assert bob.decrypt(chains[2][0], AD) == b"m"


def test_keys_missing_for_too_long_are_destroyed_and_younger_ones_stay() -> None:
    alice, bob = pair()
    old = alice.encrypt(b"old", AD)
    bob.decrypt(alice.encrypt(b"x", AD), AD)
    bob = SessionRatchet.load(bob.dump(10).data)
    young = alice.encrypt(b"young", AD)
    bob.decrypt(alice.encrypt(b"x", AD), AD)
    state = bob.dump(20)
    assert state.oldest_day == 10
    bob = SessionRatchet.load(state.data)
    bob.purge(15)
    state = bob.dump(40)
    assert state.oldest_day == 20
    assert bob.decrypt(young, AD) == b"young"
    with pytest.raises(Replayed):
        bob.decrypt(old, AD)


@pytest.mark.parametrize("damage", [b"", b"\x02", bytes(500)])
def test_bytes_that_are_no_ratchet_are_named_damage(damage: bytes) -> None:
    with pytest.raises(StoreDamaged):
        SessionRatchet.load(damage)


def test_a_state_that_is_cut_off_is_named_damage() -> None:
    data = pair()[1].dump(1).data
    with pytest.raises(StoreDamaged):
        SessionRatchet.load(data + b"\0")


def test_run_refuses_a_coroutine_that_waits() -> None:
    async def waits() -> None:
        await asyncio.sleep(0)

    with pytest.raises(AssertionError):
        run(waits())


def test_a_decryption_by_a_clone_changes_nothing_in_the_original() -> None:
    alice, bob = pair()
    original = bob._double._DoubleRatchet__diffie_hellman_ratchet
    before = original.model.model_dump_json()
    message = alice.encrypt(b"next", AD)
    stranger = public_of(X25519PrivateKey.generate())
    for header in (
        dr.Header(message.key, message.previous, message.number),
        dr.Header(message.key, message.previous, message.number + 5),
        dr.Header(stranger, 0, 0),
    ):
        clone = copy.deepcopy(original)
        run(clone.next_decryption_key(header))
        assert original.model.model_dump_json() == before
        assert clone.model.model_dump_json() != before


def test_what_is_read_at_once_is_what_the_library_says() -> None:
    alice, bob = pair()
    for sender, receiver, count in ((alice, bob, 3), (bob, alice, 1), (alice, bob, 5)):
        messages = [sender.encrypt(b"text", AD) for _ in range(count)]
        receiver.decrypt(messages[-1], AD)  # those before it stay missing
        for ratchet in (alice, bob):
            model = ratchet._double.model
            dh = model.diffie_hellman_ratchet
            chains = dh.symmetric_key_ratchet
            state = _Inside.of(ratchet._double)
            assert (state.private, state.public) == (dh.own_ratchet_priv, dh.other_ratchet_pub)
            assert state.root == (dh.root_chain.length, dh.root_chain.key)
            for mine, theirs in (
                (state.sending, chains.sending_chain),
                (state.receiving, chains.receiving_chain),
            ):
                assert mine == (
                    (2**32 - 1, bytes(32)) if theirs is None else (theirs.length, theirs.key)
                )
            assert state.previous == chains.previous_sending_chain_length
            assert list(state.skipped.items()) == [
                ((one.ratchet_pub, one.index), one.message_key)
                for one in model.skipped_message_keys
            ]
    assert len(_Inside.of(bob._double).skipped) == 6


def test_a_key_from_elsewhere_gets_its_public_key_too() -> None:
    private = X25519PrivateKey.generate()
    assert _DhRatchet._derive_pub(private.private_bytes_raw()) == public_of(private)
