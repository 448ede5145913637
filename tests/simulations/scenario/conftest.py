from __future__ import annotations

import pytest

pytest.importorskip("numpy")
pytest.importorskip("pyarrow")

TABLE = {
    "name": "small",
    "nodes": 6,
    "end_s": 600,
    "contacts": {"source": "graph", "shape": "ring"},
    "workload": {"source": "random", "messages": 10, "until_s": 300},
}


@pytest.fixture
def scenario_of(tmp_path):
    """Give a maker of scenarios: a small one, with these keys changed."""
    from simulations.scenario.reading import scenario_from, with_value

    def make(**changes):
        table = TABLE
        for key, value in changes.items():
            table = with_value(table, key.replace("__", "."), value, tmp_path / "s.toml")
        return scenario_from(table, tmp_path / "s.toml")

    return make
