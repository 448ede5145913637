"""Worlds drawn from seeds: those that once failed, and a few more."""

import msgspec
import pytest

from simulations.commands.check import run_drawn
from simulations.scenario.drawing import drawn_scenario
from simulations.scenario.model import Scenario

pytest.importorskip("numpy")


@pytest.mark.parametrize(
    "seed",
    [
        13,  # a transfer was forgotten when learning a proof had set the new link going before
        *range(100, 110),
    ],
)
def test_an_abstract_world_is_sound(seed):
    assert run_drawn(seed, "abstract").findings == ()


@pytest.mark.parametrize(
    "seed",
    [
        7000052,  # what was wanted and then evicted was answered by nothing
        7100004,
        7100034,
    ],
)
def test_a_world_of_production_nodes_is_sound(seed):
    assert run_drawn(seed, "protocol").findings == ()


@pytest.mark.parametrize("seed", range(1, 200))
@pytest.mark.parametrize("fidelity", ["abstract", "protocol"])
def test_what_is_drawn_is_a_scenario(seed, fidelity, tmp_path):
    from simulations.scenario.reading import read_table, scenario_from
    from simulations.scenario.writing import scenario_toml

    drawn = drawn_scenario(seed, fidelity)
    path = tmp_path / "drawn.toml"
    path.write_text(scenario_toml(drawn))
    assert scenario_from(read_table(path), path) == drawn
    assert msgspec.convert(msgspec.to_builtins(drawn), Scenario) == drawn
