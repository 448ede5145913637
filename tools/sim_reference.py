"""Write ``docs/reference/molva-sim.md`` out of what ``molva-sim`` says with ``--help``."""

from __future__ import annotations

import sys
from pathlib import Path

from simulations.main import commands
from tools import cli_reference

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "molva-sim.md"
HEAD = """# The simulator's command line reference

Every `molva-sim` command with its options, as `--help` prints them. This page is generated: `make
docs` writes it, and a test holds it to the code. How to use them:
[run a sweep](../how-to/run-a-sweep.md); what is simulated:
[the simulator](../explanation/simulation.md).

Exit codes: 0 done; 1 refused or failed, with one sentence on standard error, or a checker found
something; 2 wrong usage; 130 interrupted.
"""


def render() -> str:
    """Give the page."""
    return cli_reference.render(commands, "molva-sim", HEAD)


def main() -> int:
    """Write the page."""
    PAGE.write_text(render(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
