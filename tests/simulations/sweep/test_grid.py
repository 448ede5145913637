"""Grid files: every combination is a scenario, and whatever cannot be is one sentence."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p.errors import InvalidInput
from simulations.sweep.grid import load_grid
from tests.simulations.sweep.grids import BASE, GRID, write


def test_every_value_meets_every_other(tmp_path):
    grid = load_grid(write(tmp_path))
    assert (grid.name, grid.description) == ("small", "two loads, two routers")
    assert grid.parameters == ("workload.messages", "router.name")
    assert [one.label for one in grid.variants] == [
        "workload.messages = 6, router.name = spray",
        "workload.messages = 6, router.name = direct",
        "workload.messages = 12, router.name = spray",
        "workload.messages = 12, router.name = direct",
    ]
    last = grid.variants[-1].scenario
    assert (last.router.name, last.workload.messages) == ("direct", 12)
    assert last.node.buffer_bytes == 200_000
    assert len({one.scenario_sha256 for one in grid.variants}) == 4


def test_a_case_sets_what_belongs_together(tmp_path):
    text = """
scenario = "base.toml"
[[case]]
label = "spray, L = 4"
set = { router.name = "spray", router.copies = 4 }
[[case]]
label = "plain"
"""
    grid = load_grid(write(tmp_path, text))
    assert grid.name == "grid"
    assert grid.parameters == ("case",)
    assert [one.label for one in grid.variants] == ["spray, L = 4", "plain"]
    assert [one.scenario.router.copies for one in grid.variants] == [4, 8]


def test_several_scenarios(tmp_path):
    (tmp_path / "other.toml").write_text(BASE.replace("nodes = 8", "nodes = 9"))
    grid = load_grid(write(tmp_path, 'scenario = ["base.toml", "other.toml"]'))
    assert [one.scenario.nodes for one in grid.variants] == [8, 9]
    assert [one.label for one in grid.variants] == ["base.toml", "other.toml"]


def test_a_grid_of_nothing_is_its_scenario(tmp_path):
    grid = load_grid(write(tmp_path, 'scenario = "base.toml"'))
    assert [one.parameters for one in grid.variants] == [{"scenario": "base.toml"}]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            ("[vary]", "[varies]"),
            r"unknown key \"varies\" at the top of a grid; did you mean vary\?",
        ),
        (('name = "small"', "name = 3"), r"name = 3; allowed is a text"),
        (('scenario = "base.toml"', ""), r"scenario is missing; allowed is a scenario's file"),
        (('scenario = "base.toml"', "scenario = []"), r"scenario = \[\]; allowed is a scenario's"),
        (
            ('scenario = "base.toml"', "scenario = [1]"),
            r"scenario = \[1\]; allowed is a scenario's",
        ),
        (('"base.toml"', '"nowhere.toml"'), r"Cannot read .*nowhere.toml"),
        (('"base.toml"', '"nowhere"'), r"no file 'nowhere' and no scenario of that name"),
        (("[6, 12]", "6"), r"vary\.workload\.messages = 6; allowed is a list of values"),
        (("[6, 12]", "[]"), r"vary\.workload\.messages = \[\]; allowed is a list of values"),
        (("[6, 12]", "[6, 6]"), r"vary\.workload\.messages names 6 twice"),
        (("[6, 12]", "[6, -1]"), r"with .*messages = -1.*: .*base.toml: workload\.messages = -1; "),
        (("workload.messages", "workload.mesages"), r"unknown key \"mesages\" in workload"),
        (("workload.messages", "nodes.messages"), r"leads nowhere; nodes is no table"),
        (("workload.messages", "faults.0.from_s"), r"faults"),
        (('"spray"', '"sprey"'), r"router\.name = \"sprey\"; did you mean spray\?"),
        (("node.buffer_bytes", "workload.messages"), r"stands in \[set\] and in \[vary\]"),
        (("node.buffer_bytes", "name"), r"set\.name changes nothing about a run"),
        (("[set]", "set = 4\n[sets]"), r"unknown key \"sets\""),
    ],
)
def test_one_sentence_says_what_cannot_be(tmp_path, change, sentence):
    text = GRID.replace(*change)
    assert text != GRID
    with pytest.raises(InvalidInput, match=sentence) as caught:
        load_grid(write(tmp_path, text))
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value) or "nowhere" in str(caught.value)


@pytest.mark.parametrize(
    ("case", "sentence"),
    [
        ("case = 1", r"case = 1; allowed are tables"),
        ("case = [1]", r"case\[0\] = 1; allowed is a table"),
        ("[[case]]", r"case\[0\]\.label = None; allowed is a text of 1 to 60"),
        ('[[case]]\nlabel = "a"\nsets = 1', r"unknown key \"sets\" in case\[0\]; did you mean set"),
        ('[[case]]\nlabel = "a"\n[[case]]\nlabel = "a"', r"case\.label names \"a\" twice"),
        ('[[case]]\nlabel = "a"\nset = 5', r"case\[0\]\.set = 5; allowed is a table"),
        (
            '[[case]]\nlabel = "a"\nset = { nodes = 9 }\n[vary]\nnodes = [8]',
            r"nodes stands in \[\[case\]\] and in \[vary\]",
        ),
    ],
)
def test_one_sentence_says_what_no_case_can_be(tmp_path, case, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        load_grid(write(tmp_path, f'scenario = "base.toml"\n{case}\n'))


def test_too_many_variants(tmp_path):
    values = list(range(1, 102))
    text = f'scenario = "base.toml"\n[vary]\nnodes = {values}\nend_s = {values}\n'
    with pytest.raises(InvalidInput, match="10201 variants; allowed are at most 10000"):
        load_grid(write(tmp_path, text))
    with pytest.raises(InvalidInput, match=r"vary\.nodes has 1001 values; allowed are 1000"):
        load_grid(
            write(tmp_path, f'scenario = "base.toml"\n[vary]\nnodes = {list(range(1, 1002))}')
        )


def test_no_file_and_no_toml(tmp_path):
    with pytest.raises(InvalidInput, match="Cannot read"):
        load_grid(tmp_path / "none.toml")
    with pytest.raises(InvalidInput, match="Cannot read"):
        load_grid(tmp_path)
    path = tmp_path / "bad.toml"
    path.write_text("= 1")
    with pytest.raises(InvalidInput, match="is no TOML file"):
        load_grid(path)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "label", "set", "name", "0"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["scenario", "set", "vary", "case", "name", "x"]), values, max_size=4
    )
)
@settings(max_examples=150, deadline=None)
def test_any_table_gives_a_grid_or_a_sentence(tmp_path_factory, table):
    path = tmp_path_factory.mktemp("grid") / "grid.toml"
    path.write_text("\n".join(f"{key} = {toml(value)}" for key, value in table.items()), "utf-8")
    with contextlib.suppress(InvalidInput):
        assert load_grid(path).variants


def toml(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}" = {toml(one)}' for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(toml(one) for one in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(max(-(2**63), min(2**63 - 1, value)))
    text = "".join(
        f"\\U{ord(letter):08X}" for letter in str(value) if not 0xD800 <= ord(letter) < 0xE000
    )
    return f'"{text}"'
