"""The simulator's speed: The ONE's traces, its default scenario, and growth.

All times are CPU seconds, of whole processes where a trace is replayed; The ONE's are those of one
core on the machine where its reference reports were made.
"""

from __future__ import annotations

import heapq
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from simulations.abstract.world import AbstractWorld
from simulations.kernel import Kernel
from simulations.oracle import earliest_arrivals
from simulations.policy import counted_policy
from simulations.rng import stream
from simulations.trace import ContactChange, Creation, ReplaySettings

Row = tuple[str, str, str, str]
REFERENCE: Final = Path(__file__).parents[2] / "shared" / "reference" / "one"
RUNS: Final = 3
"""The least of so many runs is told: other work on the machine only adds."""
TRACES: Final = (
    ("ref_cambridge36", "spray", 20.8, 50),
    ("ref_infocom05_tight", "spray", 27.3, 50),
    ("ref_cambridge36", "epidemic", 26.5, 4),
    ("ref_infocom05_tight", "epidemic", 72.2, 4),
)
"""Trace, router, CPU seconds of The ONE, how many times faster abstract fidelity is to be."""
ONE_DEFAULT_S: Final = 22.7
DENSITY_M2: Final = 10_000.0
"""Area for each walker."""
RANGE_M: Final = 50.0


def rows() -> list[Row]:
    """Everything that takes a few minutes together."""
    return [*_traces(), _default(), *_rates(), *_growth()]


def large_rows() -> list[Row]:
    """An hour of 10,000 nodes: walking, meeting, routing, and the oracle."""
    nodes, hour, count = 10_000, 3600, 1000
    began = time.process_time()
    contacts = crowd(nodes, hour)
    walked_s = time.process_time() - began
    rows: list[Row] = [
        ("10,000 nodes, 1 h, walking and meeting: CPU", "", "printed", f"{walked_s:.1f} s"),
        (
            "  steps per s; changes of contacts",
            "997; -",
            "printed",
            f"{hour / walked_s:,.0f}; {len(contacts):,}",
        ),
    ]
    creations = load(nodes, count, hour)
    for router in ("spray", "epidemic"):
        took_s, world, delivered = routed(router, nodes, contacts, creations, hour)
        measured = f"{walked_s + took_s:.1f} s, {delivered:,} delivered"
        rows.append((f"10,000 nodes, 1 h, {count:,} messages, {router}", "", "< 300 s", measured))
        rows.append(("  events per s", "", "printed", f"{world.kernel.handled / took_s:,.0f}"))
    began = time.process_time()
    reached = len(earliest_arrivals(nodes, contacts, creations, float(hour)))
    took_s = time.process_time() - began
    rows.append(("  oracle", "", "printed", f"{took_s:.1f} s, {reached:,} reachable"))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows.append(("  RSS of it all", "", "printed", f"{memory:,.0f} MB"))
    return rows


def crowd(nodes: int, end_s: int) -> list[ContactChange]:
    """Give the contacts of random waypoint at a fixed density, a step a second."""
    from simulations.world.mobility import RandomWaypoint, walk
    from simulations.world.proximity import contacts

    side_m = (nodes * DENSITY_M2) ** 0.5
    model = RandomWaypoint(nodes, (side_m, side_m), (0.5, 1.5), (0.0, 120.0), seed=1)
    return contacts(walk(model, 1.0, end_s), 1.0, RANGE_M)


def load(nodes: int, count: int, end_s: int) -> list[Creation]:
    """Give messages of 10 to 100 kB between random pairs, evenly over most of the time."""
    draws = stream(1, "load")
    return [
        Creation(
            0.8 * end_s * n / count,
            f"M{n}",
            *draws.sample(range(nodes), 2),
            draws.randrange(10_000, 100_000),
        )
        for n in range(count)
    ]


def routed(
    router: str,
    nodes: int,
    contacts: list[ContactChange],
    creations: list[Creation],
    end_s: int,
) -> tuple[float, AbstractWorld, int]:
    """Run an abstract world; give its CPU seconds, itself, and how many were delivered."""
    settings = ReplaySettings(nodes, end_s, 250_000, 5_000_000, end_s, "growth")
    began = time.process_time()
    world = AbstractWorld(settings, contacts, creations, counted_policy(router, 8))
    outcome = world.run()
    return time.process_time() - began, world, len(outcome.deliveries)


def replay_cpu_s(scenario: str, router: str, fidelity: str) -> float:
    """Give the CPU seconds of one ``molva-sim replay``, its start and its reports included."""
    values = json.loads((REFERENCE / "scenarios.json").read_text())[scenario]
    with tempfile.TemporaryDirectory(prefix="molva-bench-") as out:
        options = {
            "contacts": REFERENCE / values["contacts"],
            "messages": REFERENCE / values["messages"],
            "router": router,
            "nodes": values["nodes"],
            "end": values["end_s"],
            "rate": values["rate_bytes_per_s"],
            "buffer": values["buffer_bytes"],
            "ttl": values["ttl_min"],
            "copies": values["spray_copies"],
            "fidelity": fidelity,
            "out": out,
        }
        command = [sys.executable, "-m", "simulations.main", "replay"]
        before = _children_s()
        subprocess.run(
            command + [f"--{name}={value}" for name, value in options.items()],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=Path(__file__).parents[1],
        )
        return _children_s() - before


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _traces() -> list[Row]:
    if not (REFERENCE / "scenarios.json").exists():
        return [("replays of The ONE's traces", "", "", "skipped: no ../shared/reference/one")]
    rows: list[Row] = []
    for scenario, router, one_s, times in TRACES:
        name = scenario.removeprefix("ref_").removesuffix("_tight")
        for fidelity, ask in (("abstract", f">= {times} x"), ("compat", "printed")):
            runs = RUNS if fidelity == "abstract" else 1
            took_s = min(replay_cpu_s(scenario, router, fidelity) for _ in range(runs))
            measured = f"{took_s:.2f} s, {one_s / took_s:.1f} x"
            what = f"simulator, {fidelity}, {router}, {name}: CPU"
            rows.append((what, f"The ONE: {one_s} s", ask, measured))
    return rows


def _default() -> Row:
    """The ONE's default scenario but for its map: 126 walkers for 12 h, a message each 30 s."""
    from simulations.world.compiled import steps_for
    from simulations.world.mobility import RandomWaypoint, walk
    from simulations.world.proximity import contacts

    nodes, end_s = 126, 12 * 3600
    began = time.process_time()
    model = RandomWaypoint(nodes, (4500.0, 3400.0), (0.5, 13.9), (0.0, 120.0), seed=1)
    changes = contacts(walk(model, 1.0, end_s), 1.0, 10.0, steps_for(nodes, end_s))
    draws = stream(1, "default")
    creations = [
        Creation(
            30.0 * n, f"M{n}", *draws.sample(range(nodes), 2), draws.randrange(500_000, 1_000_000)
        )
        for n in range(end_s // 30)
    ]
    settings = ReplaySettings(nodes, end_s, 250_000, 5_000_000, 300, "default")
    AbstractWorld(settings, changes, creations, counted_policy("spray", 6)).run()
    took_s = time.process_time() - began
    measured = f"{took_s:.1f} s, {ONE_DEFAULT_S / took_s:.1f} x"
    what = "simulator, abstract, 126 walkers, 12 h, spray: CPU"
    return what, f"The ONE: {ONE_DEFAULT_S} s", "about 1 s", measured


def _rates() -> list[Row]:
    """How many events the kernel hands out, beside what the heap under it gives."""
    rows: list[Row] = []
    for waiting in (1_000, 300_000):
        times = [float(number * 7919 % waiting) for number in range(waiting)]
        kernel: Kernel[None] = Kernel()
        for time_s in times:
            kernel.schedule(time_s, 0, None)
        heap = [(time_s, number, 0, None) for number, time_s in enumerate(times)]
        heapq.heapify(heap)
        began = time.process_time()
        kernel.run(1e9, lambda node, event: None)
        between = time.process_time()
        while heap:
            heapq.heappop(heap)
        alone = waiting / (time.process_time() - between)
        rate = waiting / (between - began)
        what = f"simulator, kernel, {waiting:,} waiting: events per s"
        rows.append((what, f"heapq alone: {alone:,.0f}", "printed", f"{rate:,.0f}"))
    return rows


def _growth() -> list[Row]:
    """Ten minutes at one density: with nodes, and with messages."""
    rows: list[Row] = []
    end_s = 600
    for nodes, counts in ((100, (500,)), (300, (500,)), (1000, (100, 500, 2000)), (3000, (500,))):
        began = time.process_time()
        contacts = crowd(nodes, end_s)
        steps = end_s / (time.process_time() - began)
        for count in counts:
            creations = load(nodes, count, end_s)
            took_s, world, _ = routed("epidemic", nodes, contacts, creations, end_s)
            began = time.process_time()
            earliest_arrivals(nodes, contacts, creations, float(end_s))
            oracle_s = time.process_time() - began
            rate = world.kernel.handled / took_s
            measured = f"{rate:,.0f} events/s; {steps:,.0f} steps/s; oracle {oracle_s:.2f} s"
            what = f"  growth: {nodes:,} nodes, {count:,} messages, epidemic"
            rows.append((what, "", "printed", measured))
    return rows
