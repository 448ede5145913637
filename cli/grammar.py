"""The shapes of commands: options that are accepted everywhere, groups that load lazily."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import click

from cli.context import Session

_UNITS: Final = MappingProxyType({"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400})
_NO_COMMANDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType({})


def _set_home(context: click.Context, _option: click.Parameter, value: str | None) -> None:
    if value:
        context.ensure_object(Session).home_option = value


def _set_json(context: click.Context, _option: click.Parameter, value: bool) -> None:  # noqa: FBT001
    if value:
        context.ensure_object(Session).json = True


COMMON_OPTIONS: Final = (
    click.Option(
        ["--home"],
        type=click.Path(file_okay=False),
        metavar="DIR",
        help="Folder of the profile; MOLVA_HOME is the default.",
        expose_value=False,
        is_eager=True,
        callback=_set_home,
    ),
    click.Option(
        ["--json"],
        is_flag=True,
        help="Answer in JSON, failures too.",
        expose_value=False,
        is_eager=True,
        callback=_set_json,
    ),
)


class MolvaCommand(click.Command):
    """A command with the common options."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Give the command's own parameters and the common ones."""
        return [*super().get_params(ctx), *COMMON_OPTIONS]


class MolvaGroup(click.Group):
    """A group with the common options, whose commands may be loaded when they are asked for."""

    command_class = MolvaCommand
    group_class = type
    lazy: Mapping[str, tuple[str, str]] = _NO_COMMANDS
    """Name -> (``module:attribute``, the first line of its help)."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Give the group's own parameters and the common ones."""
        return [*super().get_params(ctx), *COMMON_OPTIONS]

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the commands in the order of their making, which is the order of their use."""
        return [*self.commands, *self.lazy]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Give a command, importing its module if need be."""
        if cmd_name not in self.lazy:
            return super().get_command(ctx, cmd_name)
        module, attribute = self.lazy[cmd_name][0].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        if not self.lazy:
            super().format_commands(ctx, formatter)
            return
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in self.lazy.items()])


class Duration(click.ParamType[float]):
    """A span of time like ``30s``, ``5m``, ``2h`` or ``7d``; seconds without a unit."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Give seconds, above 0."""
        found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,3})?)([smhd]?)", str(value), re.ASCII)
        if found is None or float(found[1]) == 0:
            self.fail(f"{value!r} is no time: write 30s, 5m, 2h or 7d.", param, ctx)
        return float(found[1]) * _UNITS[found[2]]


DURATION: Final = Duration()
