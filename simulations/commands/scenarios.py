"""``molva-sim scenarios``: what the library has."""

from __future__ import annotations

import click

from simulations.commands.options import echo_json


@click.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def scenarios(*, name: str | None, as_json: bool) -> None:
    """List the scenarios of the library, or print the file of one to start your own from.

    \b
    Examples:
      molva-sim scenarios
      molva-sim scenarios churn > mine.toml
    """
    from simulations.scenario.catalogue import library_file, library_names
    from simulations.scenario.reading import load_scenario

    if name is not None:
        click.echo(library_file(name).read_text("utf-8"), nl=False)
        return
    listed = {one: load_scenario(str(library_file(one))).description for one in library_names()}
    if as_json:
        echo_json(listed)
        return
    width = max(len(one) for one in listed)
    for one, description in listed.items():
        click.echo(f"{one:<{width}}  {description}")
