"""``make bench``: every figure beside its reference and its limit."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import simulator
from benchmarks.commands import command_times_ms
from benchmarks.credentials import rows as credential_rows
from benchmarks.envelope import envelope_rates
from benchmarks.mesh import COUNT, WINDOW, adjacent, away
from benchmarks.nodes import Stolen, clean_environment
from benchmarks.simulator_protocol import NODES, crowd, trace
from benchmarks.simulator_sweep import rows as sweep_rows

Row = tuple[str, str, str, str]


def bench_envelope(_: Path) -> list[Row]:
    """Sealing and opening."""
    rates = envelope_rates()
    reference = "8,748 / 14,080 without ratchet"
    measured = f"{rates.seal:,.0f} / {rates.open:,.0f}"
    return [("envelope seal / open per s", reference, ">= 10,000 / 10,000", measured)]


def bench_adjacent(folder: Path) -> list[Row]:
    """Two adjacent nodes, a window of messages under way."""
    stolen = Stolen()
    got = adjacent(folder, COUNT, WINDOW)
    what = f"adjacent, {COUNT:,} x 100 B, window {WINDOW}"
    truth = f"{got.sent} = {got.received} = {got.delivered}"
    cpu = f"{got.cpu_ms[0]:.2f} / {got.cpu_ms[1]:.2f} ms"
    rss = f"{got.rss_mb[0]:.0f} / {got.rss_mb[1]:.0f} MB"
    return [
        (f"{what}: messages/s", "26-70", ">= 1,000", f"{got.rate:,.0f}"),
        (f"{what}: lost", "0.3-2 %", "0", str(got.sent - got.received)),
        (f"{what}: p95", "55-59 ms", "< 50 ms", f"{got.p95_ms:.1f} ms"),
        ("  sent = received = delivered", "not", "in every run", truth),
        ("  CPU per message, sender / recipient", "1.2 ms a side", "printed", cpu),
        ("  processor time that the host took away meanwhile", "", "0 %", f"{stolen.share():.0%}"),
        ("  RSS per node, sender / recipient", "41-54 MB", "< 140 MB", rss),
    ]


def bench_single(folder: Path) -> list[Row]:
    """Two adjacent nodes, one message at a time."""
    got = adjacent(folder, 300, 1)
    measured = f"{got.p50_ms:.1f} / {got.p95_ms:.1f} ms"
    return [("adjacent, one at a time: p50 / p95", "1.7 / 5.6 ms", "p95 < 10 ms", measured)]


def bench_away(folder: Path) -> list[Row]:
    """A carrier between two people who are never there together."""
    got = away(folder, COUNT)
    what = f"away, {COUNT:,} x 100 B through a carrier"
    truth = f"{got.sent} = {got.stored} = {got.received} = {got.delivered}"
    return [
        (f"{what}: stored/s", "6.3", ">= 500", f"{got.store_rate:,.0f}"),
        (f"{what}: fetch", "0.35 s", "< 3 s", f"{got.fetch_s:.2f} s"),
        (f"{what}: lost", "2 %", "0", str(got.sent - got.received)),
        ("  sent = stored = received = delivered", "not", "in every run", truth),
        ("  RSS of the carrier", "41-54 MB", "< 140 MB", f"{got.rss_mb:.0f} MB"),
    ]


def bench_commands(folder: Path) -> list[Row]:
    """What a person waits for."""
    limits = {"molva --help": "< 200 ms", "molva inbox": "< 400 ms"}
    return [
        (name, "", limits[name], f"{took_ms:.0f} ms")
        for name, took_ms in command_times_ms(folder).items()
    ]


def bench_credentials(_: Path) -> list[Row]:
    """Verifying presentations and status lists; peers' figures are of docs/reference."""
    return credential_rows()


def bench_simulator_protocol(_: Path) -> list[Row]:
    """Production nodes on the simulator's clock; The ONE's times are CPU seconds on this trace."""
    got = crowd()
    what = f"simulator, {NODES:,} production nodes, 1 h"
    rows = [
        (f"{what}: RSS", "", "< 2,000 MB", f"{got.rss_bytes / 1e6:,.0f} MB"),
        ("  RSS per node", "", "printed", f"{got.per_node_bytes / 1e3:,.0f} kB"),
        ("  CPU", "", "printed", f"{got.cpu_s:.1f} s, {got.batches:,} batches"),
        ("  delivered of created", "", "printed", f"{got.delivered:,} of {got.created:,}"),
    ]
    for name, one_s in (("ref_cambridge36", 20.8), ("ref_infocom05_tight", 27.3)):
        run = trace(name)
        measured = "no trace at hand" if run is None else f"{run.cpu_s:.1f} s"
        what = f"simulator, protocol, spray, {name.removeprefix('ref_')}: CPU"
        rows.append((what, f"The ONE: {one_s} s", f"<= {one_s} s", measured))
    return rows


def bench_simulator(_: Path) -> list[Row]:
    """The simulator beside The ONE, and how it grows."""
    return simulator.rows()


def bench_simulator_sweep(_: Path) -> list[Row]:
    """A sweep on one core and on two."""
    return sweep_rows()


def bench_simulator_large(_: Path) -> list[Row]:
    """An hour of 10,000 abstract nodes."""
    return simulator.large_rows()


BENCHES: dict[str, Callable[[Path], list[Row]]] = {
    "envelope": bench_envelope,
    "adjacent": bench_adjacent,
    "single": bench_single,
    "away": bench_away,
    "commands": bench_commands,
    "simulator-protocol": bench_simulator_protocol,
    "credentials": bench_credentials,
    "simulator": bench_simulator,
    "simulator-sweep": bench_simulator_sweep,
}
LONG: dict[str, Callable[[Path], list[Row]]] = {"simulator-large": bench_simulator_large}
"""Run only by name."""


def main() -> None:
    """Run the benchmarks named, or all."""
    known = {**BENCHES, **LONG}
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"some of: {', '.join(known)}")
    names = parser.parse_args().names or list(BENCHES)
    unknown = [name for name in names if name not in known]
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; choose from {', '.join(known)}")
    clean_environment()
    header = ("figure", "peers: LXMF 1.2.1, RNS 1.5.7", "ask", "measured")
    print("{:<52} {:<32} {:<20} {}".format(*header))
    for name in names:
        with tempfile.TemporaryDirectory(prefix="molva-bench-") as folder:
            for row in known[name](Path(folder)):
                print("{:<52} {:<32} {:<20} {}".format(*row), flush=True)


if __name__ == "__main__":
    main()
