"""``molva-sim fidelity``: does the simulator deliver what the product delivers?"""

from __future__ import annotations

import click

from p2p.errors import InvalidInput
from simulations.commands.options import echo_json
from simulations.fidelity.comparison import Comparison, compare


@click.command(
    epilog="Example: molva-sim fidelity --no-daemons",
)
@click.option(
    "--daemons/--no-daemons",
    default=True,
    show_default=True,
    help="Also with real nodes in processes of their own, over loopback; takes half a minute.",
)
@click.option("--json", "as_json", is_flag=True, help="Write one JSON object.")
def fidelity(*, daemons: bool, as_json: bool) -> None:
    """Compare the simulator with the product: one small story, told by each.

    The kernel at protocol fidelity, the product's runtime on a virtual clock, and real nodes must
    deliver the same messages. Exit code 1 where they do not.
    """
    comparison = compare(
        with_daemons=daemons, progress=lambda name: click.echo(f"{name} ...", err=True)
    )
    if as_json:
        arrived = {name: sorted(found) for name, found in comparison.arrived.items()}
        echo_json(
            {
                "agrees": comparison.agrees(),
                "written": list(comparison.messages),
                "arrived": arrived,
            }
        )
    else:
        click.echo(_table(comparison))
    if not comparison.agrees():
        raise InvalidInput("The simulator and the product do not deliver the same messages.")


def _table(comparison: Comparison) -> str:
    width = max(len(message) for message in comparison.messages)
    names = list(comparison.arrived)
    lines = [" ".join(["message".ljust(width), *(name.rjust(8) for name in names)])]
    for message in comparison.messages:
        marks = ("yes" if message in comparison.arrived[name] else "no" for name in names)
        lines.append(" ".join([message.ljust(width), *(mark.rjust(8) for mark in marks)]))
    return "\n".join(lines)
