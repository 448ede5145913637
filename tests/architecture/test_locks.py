"""The lock files: hashed, free of index addresses, and of one mind."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMES = ("build", "node", "dev", "sim", "fuzz")


def _pins(name: str) -> dict[str, str]:
    """Give each requirement line (with its marker) and the block of its hashes."""
    text = (ROOT / "requirements" / f"{name}.lock").read_text("utf-8")
    blocks = re.split(r"\n(?=\S)", text.strip())
    return {block.partition(" \\\n")[0]: block for block in blocks}


@pytest.mark.parametrize("name", NAMES)
def test_every_pin_is_exact_and_hashed(name: str) -> None:
    for pin, block in _pins(name).items():
        assert re.match(r"[A-Za-z0-9._-]+==[^ ]+( ; .+)?$", pin), pin
        assert "--hash=sha256:" in block, pin


@pytest.mark.parametrize("name", NAMES)
def test_no_address_of_an_index_or_a_file(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.lock").read_text("utf-8")
    assert "://" not in text
    assert " @ " not in text
    assert "--index" not in text
    assert "--find-links" not in text


@pytest.mark.parametrize(("small", "large"), [("node", "dev"), ("node", "sim")])
def test_one_lock_is_contained_in_the_other(small: str, large: str) -> None:
    assert set(_pins(small)) <= set(_pins(large))


def test_the_simulator_adds_to_development_without_changing_it() -> None:
    versions = {pin.partition("==")[0]: pin for pin in _pins("dev")}
    for pin in _pins("sim"):
        name = pin.partition("==")[0]
        assert versions.get(name, pin) == pin


def test_a_node_needs_no_library_of_the_simulator() -> None:
    heavy = {"numpy", "numba", "llvmlite", "pyarrow", "matplotlib", "distributed"}
    assert not heavy & {pin.partition("==")[0] for pin in _pins("node")}
