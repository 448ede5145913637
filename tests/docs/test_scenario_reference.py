"""The reference of scenario files is what the code reads."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

pytest.importorskip("numpy")

from simulations.scenario.catalogue import FOLDER, library_names
from tools import scenario_reference

HOW_TO = Path(__file__).parents[2] / "docs" / "how-to" / "simulate.md"


def test_the_reference_is_up_to_date() -> None:
    page = scenario_reference.PAGE.read_text("utf-8")
    assert page == scenario_reference.render(), "run: make docs"


def test_every_scenario_of_the_library_is_explained() -> None:
    text = HOW_TO.read_text("utf-8")
    for name in library_names():
        assert f"molva-sim run {name}" in text, name
        assert tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8"))["name"] == name
