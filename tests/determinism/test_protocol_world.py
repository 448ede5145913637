"""A protocol run repeats itself: in one process, in another, and under any PYTHONHASHSEED."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from p2p.core.effects import Noted, Notice
from simulations.protocol.options import ProtocolOptions
from simulations.protocol.seams import Crash, Observer, Restart
from simulations.trace import Delivery
from tests.simulations.protocol_worlds import random_scenario, world

ROOT = Path(__file__).parents[2]


class Hashing(Observer):
    """Hashes every frame, notice and note with its time and place."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()

    def sent(
        self, time_s: float, sender: int, receiver: int, frame: bytes, size_bytes: int
    ) -> None:
        self.digest.update(f"{time_s!r} {sender} {receiver} {size_bytes} ".encode() + frame)

    def noticed(self, time_s: float, node: int, notice: Notice) -> None:
        self.digest.update(f"{time_s!r} {node} {notice!r}".encode())

    def noted(self, time_s: float, node: int, note: Noted) -> None:
        self.digest.update(f"{time_s!r} {node} {note!r}".encode())

    def delivered(self, delivery: Delivery, *, timely: bool) -> None:
        self.digest.update(f"{delivery!r} {timely}".encode())


def trace(router: str, seed: int = 11) -> str:
    """Give the hash of all that a run does, with losses, a crash and a clock that is wrong."""
    contacts, creations = random_scenario(seed, end_s=2_000.0)
    hashing = Hashing()
    options = ProtocolOptions(
        seed=seed,
        loss=0.2,
        visible_recipients=router == "prophet",
        observers=[hashing],
        faults=[Crash(900.0, 3), Restart(1_200.0, 3)],
        clock_offsets_s={2: 3_600.0},
    )
    world(contacts, creations, options, router=router, nodes=8, end_s=3_000.0).run()
    return hashing.digest.hexdigest()


@pytest.mark.parametrize("router", ["spray", "epidemic", "prophet"])
def test_a_protocol_run_repeats_itself(router: str) -> None:
    once = trace(router)
    assert trace(router) == once
    folder = os.environ.get("MOLVA_TRACES")
    if folder:
        Path(folder, f"protocol-{router}").write_text(once)


def test_another_seed_is_another_run() -> None:
    assert trace("spray", 12) != trace("spray", 11)


def test_three_hash_seeds_in_three_processes_give_one_trace() -> None:
    code = "from tests.determinism.test_protocol_world import trace; print(trace('spray'))"
    hashes = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4711")
    }
    assert len(hashes) == 1
