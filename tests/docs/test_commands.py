"""Every command line that the pages show is one that there is.

Not in the specification, whose labels of keys look the same, nor in the generated reference.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from cli.main import molva

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    *(
        page
        for page in sorted((ROOT / "docs").rglob("*.md"))
        if page.parent.name != "spec" and page.name != "cli.md"
    ),
]
_SHOWN = re.compile(r"(?:`|\$ |^ *)molva ([a-z-][^`\n|>#]*)", re.MULTILINE)
_CODE = re.compile(r"^ *```(?:sh|console|text)?\n(.*?)^ *```|`[^`\n]+`", re.MULTILINE | re.DOTALL)


def command_lines(page: Path) -> list[str]:
    code = [found[0] for found in _CODE.finditer(page.read_text())]
    return [line.strip() for part in code for line in _SHOWN.findall(part)]


def resolve(line: str) -> str:
    """Give what is wrong with a command line, or nothing."""
    command: click.Command = molva
    context = click.Context(molva, info_name="molva")
    known: set[str] = set()
    for word in shlex.split(line.replace("...", ""), posix=True):
        if isinstance(command, click.Group) and not word.startswith(("-", "[")):
            if word.isupper() or "|" in word:
                return ""
            found = command.get_command(context, word)
            if found is None:
                return f"no command {word!r}"
            command = found
        known |= {name for each in command.get_params(context) for name in each.opts}
        known |= {name for each in command.get_params(context) for name in each.secondary_opts}
        if word.startswith("--") and word.split("=")[0] not in {*known, "--help", "--"}:
            return f"no option {word!r}"
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_on_a_page_exist(page: Path) -> None:
    wrong = {line: what for line in command_lines(page) if (what := _resolve_safely(line))}
    assert not wrong


def _resolve_safely(line: str) -> str:
    try:
        return resolve(line)
    except ValueError:  # a quotation that goes on in the next line
        return resolve(re.split("[\"']", line, maxsplit=1)[0])


def test_the_readers_of_pages_find_commands() -> None:
    assert "node status" in command_lines(ROOT / "docs/how-to/run-as-a-service.md")
    assert resolve("nod status") == "no command 'nod'"
    assert resolve("node status --jsn") == "no option '--jsn'"
    assert not resolve("--home DIR node start --no-mdns")
