"""``molva-sim``: the simulator's command line.

Exit codes: 0 done, 1 an input that cannot be (one sentence on stderr), 2 wrong usage.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from p2p.errors import MolvaError
from simulations.replay import ROUTERS, ReplayRequest, run_replay

_FILE = click.Path(path_type=Path)
_NODES_MAX = 1_000_000
_WHOLE_MAX = 2**53


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="molva", prog_name="molva-sim")
def commands() -> None:
    """Simulate meshes of Molva nodes, and replay contact traces."""


@commands.command()
@click.option("--contacts", type=_FILE, required=True, help="The ONE's CONN event file.")
@click.option("--messages", type=_FILE, required=True, help="The ONE's message creation file.")
@click.option("--router", type=click.Choice(ROUTERS), required=True, help="Routing policy.")
@click.option("--nodes", type=click.IntRange(1, _NODES_MAX), required=True, help="How many nodes.")
@click.option(
    "--end",
    "end_s",
    type=click.FloatRange(0, _WHOLE_MAX, min_open=True),
    required=True,
    help="Seconds after which the run stops.",
)
@click.option(
    "--rate",
    "rate_bytes_per_s",
    type=click.IntRange(1, _WHOLE_MAX),
    required=True,
    help="Speed of each link, bytes per second.",
)
@click.option(
    "--buffer",
    "buffer_bytes",
    type=click.IntRange(0, _WHOLE_MAX),
    required=True,
    help="Room at each node, bytes.",
)
@click.option(
    "--ttl",
    "ttl_min",
    type=click.IntRange(0, _WHOLE_MAX),
    required=True,
    help="Lifetime of messages, minutes.",
)
@click.option(
    "--copies",
    type=click.IntRange(1, 255),
    default=6,
    show_default=True,
    help="Copies of a new message, for spray.",
)
@click.option(
    "--fidelity",
    type=click.Choice(("compat", "abstract")),
    required=True,
    help="compat: The ONE's own rules. abstract: production routers, an ideal exchange.",
)
@click.option("--out", type=_FILE, required=True, help="Folder for the reports and the manifest.")
def replay(
    contacts: Path,
    messages: Path,
    router: str,
    nodes: int,
    end_s: float,
    rate_bytes_per_s: int,
    buffer_bytes: int,
    ttl_min: int,
    copies: int,
    fidelity: str,
    out: Path,
) -> None:
    """Replay contacts and messages, and write The ONE's reports and manifest.json."""
    request = ReplayRequest(
        contacts=contacts,
        messages=messages,
        router=router,
        nodes=nodes,
        end_s=end_s,
        rate_bytes_per_s=rate_bytes_per_s,
        buffer_bytes=buffer_bytes,
        ttl_min=ttl_min,
        copies=copies,
        fidelity=fidelity,
        out=out,
    )
    outcome = run_replay(request)
    click.echo(
        f"{len(outcome.deliveries)} of {outcome.created} messages delivered, "
        f"{outcome.relayed} transfers; reports in {out}"
    )


def main() -> None:
    """Run the command line; a foreseen failure becomes one sentence and exit code 1."""
    try:
        commands()
    except MolvaError as error:
        click.echo(f"molva-sim: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
