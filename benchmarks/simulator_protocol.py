"""Production nodes in one process: memory per node, and CPU of The ONE's traces."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

REFERENCE: Final = Path(__file__).parents[2] / "shared" / "reference" / "one"
NODES: Final = 1_000
_MEMORY: Final = """
import json, resource
from simulations.protocol.options import ProtocolOptions
from simulations.protocol.routers import make_routers
from simulations.protocol.world import ProtocolWorld
from simulations.rng import stream
from simulations.trace import ContactChange, Creation, ReplaySettings

def used(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

before, nodes, hour = used(), {nodes}, 3_600.0
draw = stream(1, "benchmark")
contacts, creations = [], []
for _ in range(5 * nodes):
    first, second = draw.sample(range(nodes), 2)
    at_s = draw.uniform(0.0, hour)
    contacts.append(ContactChange(at_s, first, second, up=True))
    contacts.append(ContactChange(at_s + draw.uniform(10.0, 300.0), first, second, up=False))
for number in range(nodes):
    source, destination = draw.sample(range(nodes), 2)
    at_s = draw.uniform(0.0, hour / 2)
    creations.append(Creation(at_s, f"M{{number}}", source, destination, 500))
contacts.sort(); creations.sort()
settings = ReplaySettings(nodes, hour, 250_000, 5_000_000, 300, "memory")
world = ProtocolWorld(settings, contacts, creations, make_routers("spray", 8))
outcome = world.run()
own = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps(dict(
    rss_bytes=used(), per_node_bytes=(used() - before) / nodes, cpu_s=own.ru_utime + own.ru_stime,
    batches=world.tally.batches, delivered=len(outcome.deliveries), created=outcome.created,
)))
"""
_TRACE: Final = """
import json, time
from pathlib import Path
from simulations.formats.one_events import read_contacts, read_creations
from simulations.protocol.replay import replay
from simulations.trace import ReplaySettings

folder, name = Path({folder!r}), {name!r}
s = json.loads((folder / "scenarios.json").read_text())[name]
began = time.process_time()
settings = ReplaySettings(
    s["nodes"], s["end_s"], s["rate_bytes_per_s"], s["buffer_bytes"], s["ttl_min"], name
)
contacts = read_contacts(folder / s["contacts"], s["nodes"])
creations = read_creations(folder / s["messages"], s["nodes"])
outcome = replay(settings, contacts, creations, "spray", s["spray_copies"])
print(json.dumps(dict(
    cpu_s=time.process_time() - began, delivered=len(outcome.deliveries), created=outcome.created
)))
"""


@dataclass(frozen=True, slots=True)
class Crowd:
    """An hour with many production nodes in one process.

    Attributes:
        per_node_bytes: what the process grew by, divided by the nodes.
        batches: transactions of all nodes.
    """

    rss_bytes: int
    per_node_bytes: float
    cpu_s: float
    batches: int
    delivered: int
    created: int


@dataclass(frozen=True, slots=True)
class Trace:
    """One of The ONE's scenarios at protocol fidelity."""

    cpu_s: float
    delivered: int
    created: int


def crowd(nodes: int = NODES) -> Crowd:
    """Run an hour with that many nodes, in a process of its own so that memory is theirs."""
    return Crowd(**json.loads(_run(_MEMORY.format(nodes=nodes))))


def trace(name: str) -> Trace | None:
    """Run spray-and-wait on a reference scenario; None where its files are not at hand."""
    if not (REFERENCE / "scenarios.json").exists():
        return None
    return Trace(**json.loads(_run(_TRACE.format(folder=str(REFERENCE), name=name))))


def _run(code: str) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
