"""``molva-sim replay``: The ONE's contacts and messages in, its reports out."""

from __future__ import annotations

from pathlib import Path

import click

from simulations.commands.options import FILE, NODES_MAX, WHOLE_MAX, echo_json
from simulations.replay import ROUTERS, ReplayRequest, run_replay


@click.command()
@click.option("--contacts", type=FILE, required=True, help="The ONE's CONN event file.")
@click.option("--messages", type=FILE, required=True, help="The ONE's message creation file.")
@click.option("--router", type=click.Choice(ROUTERS), required=True, help="Routing policy.")
@click.option("--nodes", type=click.IntRange(1, NODES_MAX), required=True, help="How many nodes.")
@click.option(
    "--end",
    "end_s",
    type=click.FloatRange(0, WHOLE_MAX, min_open=True),
    required=True,
    help="Seconds after which the run stops.",
)
@click.option(
    "--rate",
    "rate_bytes_per_s",
    type=click.IntRange(1, WHOLE_MAX),
    required=True,
    help="Speed of each link, bytes per second.",
)
@click.option(
    "--buffer",
    "buffer_bytes",
    type=click.IntRange(0, WHOLE_MAX),
    required=True,
    help="Room at each node, bytes.",
)
@click.option(
    "--ttl",
    "ttl_min",
    type=click.IntRange(0, WHOLE_MAX),
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
    type=click.Choice(("compat", "abstract", "protocol")),
    required=True,
    help="compat: The ONE's own rules. abstract: production routers, an ideal exchange. protocol: "
    "production nodes, every frame encoded.",
)
@click.option("--out", type=FILE, required=True, help="Folder for the reports and the manifest.")
@click.option("--json", "as_json", is_flag=True, help="Print the manifest.")
def replay(
    *,
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
    as_json: bool,
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
    outcome, manifest = run_replay(request)
    if as_json:
        echo_json(manifest)
        return
    click.echo(
        f"{len(outcome.deliveries)} of {outcome.created} messages delivered, "
        f"{outcome.relayed} transfers; reports in {out}"
    )
