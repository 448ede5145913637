"""``molva-sim check``: random worlds, one a seed, with every checker beside them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from simulations.commands.options import FILE, SEED, echo_json
from simulations.commands.progress import Progress
from simulations.commands.run import make_folder
from simulations.rng import SEED_MAX

if TYPE_CHECKING:
    from simulations.result import RunResult
    from simulations.scenario.drawing import Fidelity

_FAILED = 1
_SEEDS_MAX = 10_000_000
_SHOWN_MAX = 5


@click.command()
@click.option(
    "--seeds", type=click.IntRange(1, _SEEDS_MAX), default=100, show_default=True, help="Worlds."
)
@click.option("--first", type=SEED, default=1, show_default=True, help="The first seed.")
@click.option(
    "--fidelity",
    type=click.Choice(("abstract", "protocol", "both")),
    default="both",
    show_default=True,
    help="Run each seed's world at this fidelity, or one world at each.",
)
@click.option("--out", type=FILE, help="Folder for the scenario of each seed that fails.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def check(
    *,
    seeds: int,
    first: int,
    fidelity: Literal["abstract", "protocol", "both"],
    out: Path | None,
    as_json: bool,
) -> int:
    """Draw a whole world from each seed, run it, and hold it to what must always be true.

    Topology, faults, attackers and load are drawn. Until a moment everything may go wrong; then
    everything works, and all mail that its author still has must arrive. Exit code 1 when a world
    fails: its seed and the command that repeats it are printed.

    \b
    Examples:
      molva-sim check --seeds 200
      molva-sim check --seeds 1 --first 4711 --fidelity protocol
    """
    if first + seeds - 1 > SEED_MAX:
        raise click.UsageError(f"Seeds end at {SEED_MAX}.")
    if out is not None:
        make_folder(out)
    failed: list[dict[str, object]] = []
    delivered = events = 0
    with Progress() as progress:
        worlds: list[tuple[int, Fidelity]] = list(_worlds(seeds, first, fidelity))
        for number, (seed, level) in enumerate(worlds):
            progress(f"{len(failed)} failed, seed {seed}", number / len(worlds))
            result = run_drawn(seed, level)
            delivered += len(result.outcome.deliveries)
            events += result.events
            if result.findings:
                progress.clear()
                failed.append(_failure(result, out))
                if not as_json:
                    _tell_failure(result, failed[-1])
    if as_json:
        echo_json({"worlds": len(worlds), "failed": failed})
    else:
        click.echo(
            f"{len(worlds)} worlds, {len(failed)} failed; {delivered} messages delivered, {events} "
            "events checked"
        )
    return _FAILED if failed else 0


def run_drawn(seed: int, fidelity: Fidelity) -> RunResult:
    """Run the world of a seed; nothing of it is cached."""
    from simulations.run import run_assembly
    from simulations.scenario.assembly import assemble
    from simulations.scenario.drawing import drawn_scenario

    return run_assembly(assemble(drawn_scenario(seed, fidelity), seed, None))


def _worlds(
    seeds: int, first: int, fidelity: Literal["abstract", "protocol", "both"]
) -> Iterator[tuple[int, Fidelity]]:
    for seed in range(first, first + seeds):
        if fidelity != "protocol":
            yield seed, "abstract"
        if fidelity != "abstract":
            yield seed, "protocol"


def _failure(result: RunResult, out: Path | None) -> dict[str, object]:
    seed, level = result.seed, result.scenario.fidelity
    failure: dict[str, object] = {
        "seed": seed,
        "fidelity": level,
        "repeat": f"molva-sim check --seeds 1 --first {seed} --fidelity {level}",
        "findings": [str(finding) for finding in result.findings],
    }
    if out is not None:
        from simulations.record import write_text
        from simulations.scenario.writing import scenario_toml

        path = out / f"seed-{seed}-{level}.toml"
        write_text(path, scenario_toml(result.scenario))
        failure["scenario"] = str(path)
    return failure


def _tell_failure(result: RunResult, failure: dict[str, object]) -> None:
    click.echo(f"Seed {result.seed} fails at {result.scenario.fidelity} fidelity:", err=True)
    for finding in result.findings[:_SHOWN_MAX]:
        click.echo(f"  {finding}", err=True)
    if len(result.findings) > _SHOWN_MAX:
        click.echo(f"  and {len(result.findings) - _SHOWN_MAX} findings more", err=True)
    click.echo(f"  repeat it with: {failure['repeat']}", err=True)
    if "scenario" in failure:
        click.echo(f"  or: molva-sim run {failure['scenario']} --seed {result.seed}", err=True)
