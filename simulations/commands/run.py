"""``molva-sim run``: one run of one scenario."""

from __future__ import annotations

import math
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from p2p.errors import InvalidInput
from simulations.commands.options import FILE, SEED, echo_json
from simulations.commands.progress import Progress

if TYPE_CHECKING:
    from simulations.result import RunResult
    from simulations.scenario.model import Scenario

_FAILED = 1
_SHOWN_MAX = 10


@click.command()
@click.argument("scenario")
@click.option("--seed", type=SEED, default=1, show_default=True, help="Of everything random.")
@click.option("--out", type=FILE, help="Folder for manifest, rows and reports.")
@click.option("--log", "log_file", type=FILE, help="Write the event log to this file.")
@click.option("--graph", is_flag=True, help="Write contacts.graphml into the folder too.")
@click.option(
    "--set",
    "changes",
    metavar="KEY=VALUE",
    multiple=True,
    help="Change a key of the scenario: router.copies=4, faults.0.ferries=2.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the manifest.")
def run(
    *,
    scenario: str,
    seed: int,
    out: Path | None,
    log_file: Path | None,
    graph: bool,
    changes: tuple[str, ...],
    as_json: bool,
) -> int:
    """Run a scenario once: a TOML file, or a name of the library.

    Exit code 1 when a checker finds that the run did what none may do.

    \b
    Examples:
      molva-sim run partition-with-ferries
      molva-sim run town.toml --seed 7 --out results/town-7
      molva-sim run churn --set router.name=\\"epidemic\\" --json
    """
    if graph and out is None:
        raise click.UsageError("--graph writes into the folder of --out; give one.")
    chosen = changed_scenario(scenario, changes)
    from simulations.run import run_scenario, write_run
    from simulations.scenario.reading import refusals_of

    with ExitStack() as stack:
        if out is not None:
            make_folder(out)
        log = stack.enter_context(open_text(log_file)) if log_file is not None else None
        progress = stack.enter_context(Progress())
        with refusals_of(scenario):
            result = run_scenario(chosen, seed, progress, log=log)
    if out is not None:
        write_run(result, out)
        if graph:
            from simulations.record import write_graph

            write_graph(result, out)
    _tell(result, out, as_json=as_json)
    return _FAILED if result.findings else 0


def changed_scenario(name: str, changes: tuple[str, ...]) -> Scenario:
    """Read a scenario and change it; values are TOML, and what is none is a text.

    Raises:
        InvalidInput: the file, a key or a value cannot be.
    """
    from simulations.scenario.reading import (
        read_table,
        scenario_from,
        scenario_path,
        toml_table,
        with_value,
    )

    path = scenario_path(name)
    table = read_table(path)
    for change in changes:
        key, sign, text = change.partition("=")
        if not sign or not key:
            raise click.UsageError(f"--set {change!r}: write KEY=VALUE.")
        try:
            value: object = toml_table(f"value = {text}")["value"]
        except InvalidInput:
            value = text
        table = with_value(table, key, value, path)
    return scenario_from(table, path)


def make_folder(path: Path) -> None:
    """Make a folder before long work, so that a bad name is found out first.

    Raises:
        InvalidInput: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"Cannot write to {path}: {error.strerror or error}.") from error


def open_text(path: Path) -> TextIO:
    """Open a file to write text.

    Raises:
        InvalidInput: it cannot be written.
    """
    try:
        return path.open("w", encoding="utf-8", newline="\n")
    except OSError as error:
        raise InvalidInput(f"Cannot write {path}: {error.strerror or error}.") from error


def _tell(result: RunResult, out: Path | None, *, as_json: bool) -> None:
    if as_json:
        from simulations.record import manifest_of

        echo_json(manifest_of(result))
    else:
        for line in summary(result):
            click.echo(line)
        if out is not None:
            click.echo(f"  written to      {out}")
    for finding in result.findings[:_SHOWN_MAX]:
        click.echo(f"molva-sim: {finding}", err=True)
    if len(result.findings) > _SHOWN_MAX:
        click.echo(f"molva-sim: and {len(result.findings) - _SHOWN_MAX} findings more.", err=True)


def summary(result: RunResult) -> list[str]:
    """Give a run's figures as lines for a person."""
    scenario, figures = result.scenario, result.metrics()
    created, delivered = len(result.messages), len(result.outcome.deliveries)
    possible = sum(row.oracle_s is not None for row in result.messages)
    lines = [
        f"{scenario.name}: seed {result.seed}, {scenario.fidelity} fidelity, "
        f"{scenario.router.name}, {scenario.nodes} nodes, {scenario.end_s:g} s",
        f"  delivered       {delivered} of {created} ({_percent(figures['delivery_ratio'])}); "
        f"the oracle: {possible} ({_percent(figures['oracle_delivery_ratio'])})",
        f"  latency         mean {_seconds(figures['latency_mean_s'])}, median "
        f"{_seconds(figures['latency_median_s'])}, 95 % within "
        f"{_seconds(figures['latency_p95_s'])}; {_seconds(figures['behind_oracle_s'])} behind the "
        "oracle",
        f"  overhead        {_plain(figures['overhead_ratio'])} further transfers a delivery, "
        f"{_plain(figures['hops_mean'])} hops",
        f"  on the air      {figures['bytes_on_air'] / 1e6:.2f} MB; buffers hold "
        f"{_megabytes(figures['buffered_bytes_mean'])} on average",
    ]
    lost = [row.lost_why for row in result.messages if row.lost_why]
    if lost:
        fates = ", ".join(f"{lost.count(why)} {why}" for why in dict.fromkeys(sorted(lost)))
        lines.append(f"  not delivered   {fates}")
    if result.counters["unwritten"]:
        unwritten = result.counters["unwritten"]
        lines.append(f"  not written     {unwritten} messages, whose author's node was off")
    if not math.isnan(figures["healing_s"]):
        lines.append(
            "  healing         95 % of the mail across the cut had arrived "
            f"{_seconds(figures['healing_s'])} after its end"
            if math.isfinite(figures["healing_s"])
            else "  healing         less than 95 % of the mail across the cut arrived"
        )
    found = f"{len(result.findings)} findings" if result.findings else "nothing found"
    lines += [
        f"  checkers        {found}",
        f"  event log       {result.event_log_sha256}, {result.events} lines",
        f"  took            {result.cpu_s:.2f} s of CPU; suite: {result.suite}",
        "  One seed is one sample: molva-sim sweep gives intervals.",
    ]
    return lines


def _percent(share: float) -> str:
    return "none" if math.isnan(share) else f"{share:.1%}"


def _seconds(value: float) -> str:
    return "none" if math.isnan(value) else f"{value:.1f} s"


def _plain(value: float) -> str:
    return "none" if math.isnan(value) else f"{value:.2f}"


def _megabytes(value: float) -> str:
    return "nothing" if math.isnan(value) else f"{value / 1e6:.2f} MB"
