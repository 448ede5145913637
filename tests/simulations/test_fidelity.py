"""The kernel delivers what the product's shell delivers, on trio and as daemons."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from simulations.commands import fidelity as command
from simulations.fidelity.comparison import DAEMONS, KERNEL, TRIO, Comparison, compare
from simulations.fidelity.on_kernel import run_on_kernel
from simulations.fidelity.on_trio import run_on_trio
from simulations.fidelity.story import FERRIES, Meets, Story, Writes

ARRIVE = {"brought by bob@carol", "brought back by carol@alice", "from hand to hand@carol"}


def test_kernel_and_trio_deliver_the_same() -> None:
    comparison = compare(with_daemons=False)
    assert comparison.arrived == {KERNEL: ARRIVE, TRIO: ARRIVE}
    assert comparison.agrees()
    assert len(comparison.messages) == 5


def test_real_daemons_over_loopback_deliver_the_same() -> None:
    comparison = compare()
    assert comparison.arrived[DAEMONS] == comparison.arrived[KERNEL] == ARRIVE


@pytest.mark.parametrize("copies", [1, 4])
def test_they_agree_on_more_and_on_fewer_copies(copies: int) -> None:
    story = replace(FERRIES, copies=copies)
    assert run_on_kernel(story) == run_on_trio(story)


def test_a_story_can_tell_two_routers_apart() -> None:
    steps = (Writes(0, 2, "x"), Meets(0, 1), Meets(1, 2))
    arrived = {n: run_on_kernel(Story(("a", "b", "c"), n, steps)) for n in (1, 2)}
    assert arrived == {1: frozenset(), 2: {"x@c"}}


def test_the_command_shows_a_table_or_json() -> None:
    runner = CliRunner()
    table = runner.invoke(command.fidelity, ["--no-daemons"])
    assert table.exit_code == 0
    assert "brought by bob@carol" in table.stdout
    told = json.loads(runner.invoke(command.fidelity, ["--no-daemons", "--json"]).stdout)
    assert told["agrees"] is True
    assert set(told["arrived"]["trio"]) == ARRIVE


def test_disagreement_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    other = Comparison(("x@a",), {KERNEL: frozenset(), TRIO: frozenset({"x@a"})})
    monkeypatch.setattr(command, "compare", lambda **_: other)
    result = CliRunner().invoke(command.fidelity, [])
    assert result.exit_code != 0
    assert "x@a" in result.stdout
