"""``molva-sim oracle``: the earliest arrival that any router could reach, per message."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import click

from simulations.commands.options import FILE, NODES_MAX, SEED, WHOLE_MAX, echo_json
from simulations.commands.run import changed_scenario
from simulations.trace import Creation

_COLUMNS = ("message", "source", "destination", "created_s", "earliest_s", "delay_s")


class _Asked(NamedTuple):
    """Messages, and the oracle's answer by name."""

    mail: Sequence[Creation]
    earliest: Mapping[str, float]


@click.command()
@click.argument("scenario", required=False)
@click.option("--contacts", type=FILE, help="The ONE's CONN event file, instead of a scenario.")
@click.option("--messages", type=FILE, help="The ONE's message creation file.")
@click.option("--nodes", type=click.IntRange(1, NODES_MAX), help="How many nodes.")
@click.option(
    "--ttl", "ttl_min", type=click.IntRange(0, WHOLE_MAX), help="Lifetime of messages, minutes."
)
@click.option(
    "--end",
    "end_s",
    type=click.FloatRange(0, WHOLE_MAX, min_open=True),
    help="Later arrivals do not count.",
)
@click.option("--seed", type=SEED, default=1, show_default=True, help="For a scenario.")
@click.option("--out", type=FILE, help="Write the rows as CSV to this file.")
@click.option("--json", "as_json", is_flag=True, help="Print the rows as JSON.")
def oracle(
    *,
    scenario: str | None,
    contacts: Path | None,
    messages: Path | None,
    nodes: int | None,
    ttl_min: int | None,
    end_s: float | None,
    seed: int,
    out: Path | None,
    as_json: bool,
) -> None:
    """Say when each message could arrive at the earliest: endless buffers, links of no delay.

    No router delivers earlier, or anything that has no row with an arrival here.

    \b
    Examples:
      molva-sim oracle partition-with-ferries --seed 2
      molva-sim oracle --contacts c.tsv --messages m.tsv --nodes 36 --out oracle.csv
    """
    if scenario is not None:
        if contacts or messages or nodes or ttl_min is not None or end_s is not None:
            raise click.UsageError(
                "A scenario says its own contacts, messages, nodes, ttl and end; leave them out."
            )
        asked = _of_scenario(scenario, seed)
    elif contacts is None or messages is None or nodes is None:
        raise click.UsageError("Give a scenario, or --contacts, --messages and --nodes.")
    else:
        asked = _of_files(contacts, messages, nodes, ttl_min, end_s)
    _tell(asked, out, as_json=as_json)


def _of_scenario(name: str, seed: int) -> _Asked:
    from simulations.scenario.assembly import assemble
    from simulations.scenario.reading import refusals_of
    from simulations.world.contact_cache import cache_folder

    chosen = changed_scenario(name, ())
    with refusals_of(name):
        world = assemble(chosen, seed, cache_folder())
    return _Asked(world.mail, world.earliest)


def _of_files(
    contacts: Path, messages: Path, nodes: int, ttl_min: int | None, end_s: float | None
) -> _Asked:
    from simulations.formats.one_events import read_contacts, read_creations
    from simulations.oracle import earliest_arrivals

    limit_s = math.inf if end_s is None else end_s
    changes = [one for one in read_contacts(contacts, nodes) if one.time_s <= limit_s]
    mail = [one for one in read_creations(messages, nodes) if one.time_s <= limit_s]
    ttl_s = math.inf if ttl_min is None else ttl_min * 60.0
    return _Asked(mail, earliest_arrivals(nodes, changes, mail, ttl_s))


def _tell(asked: _Asked, out: Path | None, *, as_json: bool) -> None:
    rows = [_row(one, asked.earliest.get(one.name)) for one in asked.mail]
    if out is not None:
        from simulations.record import write_text

        text = io.StringIO()
        csv.writer(text, lineterminator="\r\n").writerows([_COLUMNS, *rows])
        write_text(out, text.getvalue())
    reachable = len(asked.earliest)
    if as_json:
        echo_json(
            {
                "created": len(rows),
                "reachable": reachable,
                "messages": [dict(zip(_COLUMNS, row, strict=True)) for row in rows],
            }
        )
        return
    if out is None:
        click.echo("\t".join(_COLUMNS))
        for row in rows:
            click.echo("\t".join("-" if value is None else str(value) for value in row))
    share = f", {reachable / len(rows):.1%}" if rows else ""
    click.echo(f"{reachable} of {len(rows)} messages can arrive at all{share}", err=out is None)


def _row(creation: Creation, earliest_s: float | None) -> tuple[str | float | int | None, ...]:
    return (
        creation.name,
        creation.source,
        creation.destination,
        creation.time_s,
        earliest_s,
        None if earliest_s is None else earliest_s - creation.time_s,
    )
