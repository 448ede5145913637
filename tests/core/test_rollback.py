"""An older copy of a home is put back: what the node says must still be true."""

from __future__ import annotations

import copy
from collections.abc import Callable

from p2p.ports.store import Direction, MessageState
from p2p.wire.frames import Taken, decode_frame
from tests.core.world import World


def test_a_tag_that_was_used_before_does_not_count_as_delivered(
    make_world: Callable[..., World],
) -> None:
    world = make_world()
    world.add("alice")
    world.add("bob")
    world.befriend("alice", "bob")
    world.connect("alice", "bob")
    world.run(60)
    older = copy.deepcopy(world.seats["alice"].store)
    for number in range(3):
        world.send("alice", "bob", f"before {number}")
    world.run(60)
    world.seats["alice"].store = older
    world.crash("alice")
    world.connect("alice", "bob")
    world.run(60)
    sent = [world.send("alice", "bob", f"after {number}") for number in range(5)]
    world.run(600)
    texts = [row.text for row in world.seats["bob"].received()]
    assert sorted(texts) == [f"after {n}" for n in range(5)] + [f"before {n}" for n in range(3)]
    for row in sent:
        assert world.seats["alice"].sent(row.id).state is MessageState.DELIVERED


def test_a_proof_that_overtakes_what_says_taken_counts(make_world: Callable[..., World]) -> None:
    """Bob's proof may come by another way, and before his own word on the envelope."""
    world = make_world()
    world.add("alice")
    world.add("bob")
    world.befriend("alice", "bob")
    world.connect("alice", "bob")
    world.run(60)
    world.lose = lambda sender, _, data: sender == "bob" and isinstance(decode_frame(data), Taken)
    sent = world.send("alice", "bob", "hello")
    world.run(60)
    alice = world.seats["alice"]
    assert alice.sent(sent.id).state is MessageState.DELIVERED
    kinds = [entry.kind for entry in alice.store.history(sent.id, Direction.OUT)]
    assert kinds == ["queued", "delivered"]
    assert [row.text for row in world.seats["bob"].received()] == ["hello"]
