"""``molva-sim``: reads the command line, loads the one command that it names.

Exit codes: 0 done, 1 an input that cannot be or a check that failed (one sentence on standard
error), 2 wrong usage, 130 interrupted.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NoReturn

import click

from p2p.errors import MolvaError

COMMANDS: Final = MappingProxyType(
    {
        "run": ("simulations.commands.run:run", "Run a scenario once."),
        "scenarios": ("simulations.commands.scenarios:scenarios", "List the library's scenarios."),
        "check": ("simulations.commands.check:check", "Run random worlds with the checkers."),
        "contacts": ("simulations.commands.contacts:contacts", "Write a model's contacts."),
        "oracle": ("simulations.commands.oracle:oracle", "Say when messages could arrive."),
        "replay": ("simulations.commands.replay:replay", "Replay The ONE's contacts and messages."),
        "sweep": ("simulations.commands.sweep:sweep", "Run a grid of parameters with many seeds."),
        "report": ("simulations.commands.report:report", "Tables, plots and a page from results."),
        "fidelity": (
            "simulations.commands.fidelity:fidelity",
            "Compare the simulator with the product.",
        ),
    }
)
LIBRARIES: Final = ("numpy", "numba", "matplotlib", "pyarrow")
"""What the extra ``sim`` installs."""
_REFUSED: Final = 1
_INTERRUPTED: Final = 130


class LazyGroup(click.Group):
    """A group that imports a command when it is asked for."""

    lazy: Mapping[str, tuple[str, str]] = COMMANDS
    """Name -> (``module:attribute``, the first line of its help)."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the commands in the order of their use."""
        return list(self.lazy)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Give a command, importing its module."""
        if cmd_name not in self.lazy:
            return None
        module, attribute = self.lazy[cmd_name][0].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in self.lazy.items()])


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="molva", prog_name="molva-sim")
def commands() -> None:
    """Simulate meshes of Molva nodes, and replay contact traces."""


def main() -> None:
    """Run the command line; a foreseen failure becomes one sentence and its exit code."""
    try:
        result: object = commands.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        _end("Interrupted.", _INTERRUPTED)
    except MolvaError as error:
        _end(str(error), _REFUSED)
    except BrokenPipeError:
        _forget_output()
        sys.exit(_REFUSED)
    except OSError as error:
        _forget_output()
        what = f"use {error.filename}" if error.filename else "write the output"
        _end(f"Cannot {what}: {error.strerror or error}.", _REFUSED)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in LIBRARIES:
            raise
        _end(
            f"This needs {error.name}, which is not installed; `make sim` in a checkout, or "
            "`pip install 'molva[sim]'`, installs the simulator's libraries.",
            _REFUSED,
        )
    else:
        sys.exit(result if isinstance(result, int) else 0)


def _forget_output() -> None:
    """Whoever read the output went away, or there is no room; what is still buffered is lost."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _end(sentence: str, exit_code: int) -> NoReturn:
    click.echo(f"molva-sim: {sentence}", err=True)
    sys.exit(exit_code)


if __name__ == "__main__":
    main()
