"""The command line reference is what the commands say of themselves."""

from __future__ import annotations

from tools import cli_reference


def test_the_reference_is_up_to_date() -> None:
    page = cli_reference.PAGE.read_text("utf-8")
    assert page == cli_reference.render(), "run: make docs"
