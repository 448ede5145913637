"""``molva-sim contacts``: the contacts of a scenario as a file of The ONE."""

from __future__ import annotations

from pathlib import Path

import click

from simulations.commands.options import FILE, SEED, echo_json
from simulations.commands.progress import Progress
from simulations.commands.run import changed_scenario


@click.command()
@click.argument("scenario")
@click.option("--seed", type=SEED, default=1, show_default=True, help="Of everything random.")
@click.option("--out", type=FILE, required=True, help="The CONN file to write.")
@click.option("--graphml", type=FILE, help="Write who met whom as GraphML too.")
@click.option(
    "--faults",
    is_flag=True,
    help="Write the links that exist under the scenario's faults, internet links included.",
)
@click.option(
    "--set", "changes", metavar="KEY=VALUE", multiple=True, help="Change a key of the scenario."
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def contacts(
    *,
    scenario: str,
    seed: int,
    out: Path,
    graphml: Path | None,
    faults: bool,
    changes: tuple[str, ...],
    as_json: bool,
) -> None:
    """Write the contacts that a scenario's model makes, as The ONE's CONN file.

    \b
    Examples:
      molva-sim contacts conference --out conference.tsv
      molva-sim contacts conference --seed 3 --out c3.tsv --graphml c3.graphml
    """
    chosen = changed_scenario(scenario, changes)
    from simulations.formats.graphml import graphml_text
    from simulations.formats.one_events import write_contacts
    from simulations.record import write_text
    from simulations.scenario.assembly import scenario_links
    from simulations.scenario.contacts import radio_contacts
    from simulations.scenario.reading import refusals_of
    from simulations.world.contact_cache import cache_folder

    with Progress() as progress, refusals_of(scenario):
        if faults:
            found = scenario_links(chosen, seed, cache_folder())
        else:
            found = radio_contacts(chosen, seed, cache_folder(), progress)
    write_contacts(out, found)
    if graphml is not None:
        write_text(graphml, graphml_text(chosen.name, chosen.nodes, found, chosen.end_s))
    begun = sum(change.up for change in found)
    if as_json:
        echo_json({"contacts": begun, "nodes": chosen.nodes, "seed": seed, "file": str(out)})
    else:
        click.echo(f"{begun} contacts of {chosen.nodes} nodes in {chosen.end_s:g} s; {out}")
