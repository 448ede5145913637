"""Records across a mesh of production nodes: they arrive, the newest wins, and mail goes first."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from p2p.core.effects import RecordArrived, RecordDropped
from p2p.ports.store import MessageState
from p2p.wire.frames import Carry, RecordPart, decode_frame
from tests.core.record_worlds import DAY_S, STATUS_LIST, held, publish
from tests.core.world import World

MakeWorld = Callable[..., World]
BIG = bytes(range(256)) * 16_384
"""4 MiB."""


def test_a_record_is_carried_on_by_who_met_its_author_earlier(make_world: MakeWorld) -> None:
    world = make_world("alice", "bob", "carol")
    row = publish(world, "alice", b"revoked: 7")
    world.connect("alice", "bob")
    world.run(60.0)
    world.disconnect("alice", "bob")
    world.run(DAY_S)
    world.connect("bob", "carol")
    world.run(60.0)
    assert held(world, "carol", row) == b"revoked: 7"
    kept = world.seats["carol"].node.records.row(row.id)
    assert kept is not None
    assert kept.header == row.header
    [arrived] = [n for n in world.seats["carol"].notices if isinstance(n, RecordArrived)]
    assert arrived.record.id == row.id
    told = world.seats["alice"].notices
    assert not [n for n in told if isinstance(n, RecordArrived | RecordDropped)]
