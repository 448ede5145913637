"""The scenarios that come with the simulator, by name."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Final

from p2p.errors import InvalidInput

FOLDER: Final = Path(__file__).resolve().parents[1] / "scenarios"


def library_names() -> list[str]:
    """Give the names of the library's scenarios, in alphabetical order."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def library_file(name: str) -> Path:
    """Give the file of a scenario of the library.

    Raises:
        InvalidInput: there is none of that name.
    """
    names = library_names()
    if name in names:
        return FOLDER / f"{name}.toml"
    near = get_close_matches(name, names, n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    raise InvalidInput(
        f"There is no file {name[:100]!r} and no scenario of that name in the library. "
        f"{hint}The library has {', '.join(names)}."
    )
