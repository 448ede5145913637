"""Scenarios from TOML: what is read, and one sentence for whatever cannot be."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2p.errors import InvalidInput
from simulations.scenario.catalogue import library_file, library_names
from simulations.scenario.model import RouterSettings, Scenario
from simulations.scenario.reading import (
    load_scenario,
    read_table,
    scenario_from,
    scenario_hash,
    with_value,
)
from simulations.scenario.troubles import BlackHole, Crash
from tests.simulations.scenario.conftest import TABLE

REFUSED = [
    ({"nmae": 1}, 'unknown key "nmae" at the top of a scenario; did you mean name? allowed are '),
    ({"nodes": 0}, "nodes = 0; allowed is a whole number from 1 to 100000."),
    ({"nodes": True}, "nodes = true; allowed is a whole number"),
    ({"nodes": 10**400}, "nodes = 1000"),
    ({"nodes": 2.0}, "nodes = 2.0; allowed is a whole number"),
    ({"end_s": float("nan")}, "end_s = nan; allowed is a number from 0.001 to 1000000000."),
    ({"end_s": float("inf")}, "end_s = inf; allowed"),
    ({"end_s": 10**400}, "end_s = 1000"),
    ({"name": "a\n"}, 'name = "a?"; allowed is a text of 1 to 100 characters of letters'),
    ({"name": ""}, 'name = ""; allowed'),
    ({"fidelity": "exact"}, 'fidelity = "exact"; '),
    ({"contacts": 3}, "contacts = 3; allowed is a table of keys and values."),
    ({"contacts": {}}, "contacts.source is missing; allowed are "),
    ({"end_s": 5e-324}, "end_s = 5e-324; allowed is a number from 0.001 to"),
    ({"contacts": {"source": "grpah"}}, 'contacts.source = "grpah"; did you mean graph? '),
    ({"contacts": {"source": "one"}}, "contacts.file is missing; allowed is a text"),
    ({"contacts.source": 3}, 'unknown key "contacts.source" at the top'),
    ({"contacts": {"source": "one", "file": "no.tsv"}}, "no.tsv does not exist; allowed is"),
    ({"contacts": {"source": "one", "file": "a" * 300}}, "contacts.file = "),
    ({"contacts": {"source": "one", "file": "."}}, " is no file; allowed is"),
    ({"workload": {"source": "random", "messages": 1, "size_bytes": [5, 2]}}, "lower one first."),
    ({"workload": {"source": "random", "messages": 1, "size_bytes": [5]}}, "has 1 entries; "),
    (
        {"workload": {"source": "random", "messages": 1, "from_s": 5, "until_s": 4}},
        "workload.until_s = 4; allowed is a time after from_s = 5.",
    ),
    (
        {"workload": {"source": "random", "messages": 1, "destinations": "other-side"}},
        'needs a fault of kind "partition"',
    ),
    (
        {"nodes": 1, "contacts": {"source": "graph", "shape": "line"}},
        "workload.messages needs 2 nodes at least",
    ),
    ({"link": {"loss": 0.1}}, 'link.loss = 0.1 needs fidelity = "protocol"'),
    ({"suite": "real"}, 'suite = "real" needs fidelity = "protocol"'),
    ({"faults": {}}, "faults = {}; allowed is a list of 0 to 1000 tables."),
    ({"faults": [3]}, "faults[0] = 3; allowed is a table"),
    ({"faults": [{"kind": "crash", "at_s": 1}]}, "faults[0].down_s is missing; "),
    (
        {"faults": [{"kind": "crash", "at_s": 1, "down_s": 1}]},
        "faults[0] says none of nodes, count and share; allowed is exactly one of them.",
    ),
    (
        {"faults": [{"kind": "crash", "at_s": 1, "down_s": 1, "count": 1, "share": 0.1}]},
        "faults[0] says count and share of nodes, count and share",
    ),
    (
        {"faults": [{"kind": "crash", "at_s": 1, "down_s": 1, "nodes": [6]}]},
        "faults[0].nodes has 6; allowed are addresses from 0 to 5.",
    ),
    (
        {"faults": [{"kind": "crash", "at_s": 1, "down_s": 1, "nodes": [2, 2]}]},
        "faults[0].nodes names a node twice",
    ),
    ({"faults": [{"kind": "crash", "at_s": 601, "down_s": 1, "count": 1}]}, "after the end"),
    ({"faults": [{"kind": "shutdown"}]}, "shuts an internet down that is not there"),
    (
        {"faults": [{"kind": "jamming", "center_m": [0, 0], "radius_m": 5}]},
        "faults[0] needs to know where nodes are",
    ),
    ({"faults": [{"kind": "clock-error", "offset_s": 5, "count": 1}]}, "nodes have no clocks."),
    ({"faults": [{"kind": "partition", "sides": 7}]}, "faults[0].sides = 7; allowed are at most"),
    ({"faults": [{"kind": "partition", "ferries": 7}]}, "faults[0].ferries = 7; allowed"),
    (
        {"attackers": [{"kind": "replayer", "count": 1}]},
        'attackers[0]: "replayer" needs fidelity = "protocol"',
    ),
    ({"attackers": [{"kind": "black-hole", "count": 7}]}, "attackers[0].count = 7; allowed"),
    (
        {"attackers": [{"kind": "sybil", "share": 1, "identities": 1000}] * 20},
        "identities; allowed are at most 100000",
    ),
]


@pytest.mark.parametrize(("change", "says"), REFUSED)
def test_what_cannot_be_is_one_sentence(change, says):
    with pytest.raises(InvalidInput) as caught:
        scenario_from({**TABLE, **change}, Path("/tmp/world.toml"))
    sentence = str(caught.value)
    assert sentence.startswith("/tmp/world.toml: ")
    assert says in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


WALKS = {"source": "random-waypoint", "range_m": 5, "area_m": [9, 9]}
MODELS = [
    (
        {"source": "random-waypoint", "range_m": 5, "area_m": [9, 9], "speeds_m_per_s": [2, 1]},
        "lower",
    ),
    (
        {"source": "sociopatterns", "file": "s.tsv", "interval_s": 1e-6},
        "contacts.interval_s = 1e-06; allowed is a number from 0.001",
    ),
    ({"source": "street-grid", "range_m": 5, "columns": 1, "rows": 1}, "make one crossing"),
    (
        {"source": "map-walk", "range_m": 5, "crossings_m": [[0, 0], [1, 1]], "streets": [[0, 2]]},
        "allowed are crossings from 0 to 1.",
    ),
    (
        {
            "source": "map-walk",
            "range_m": 5,
            "crossings_m": [[0, 0], [1, 1], [2, 2]],
            "streets": [[0, 1]],
        },
        "from crossing 0 not to crossing 2",
    ),
    ({"source": "graph", "shape": "grid", "columns": 4}, "does not divide nodes = 6"),
]


@pytest.mark.parametrize(("model", "says"), MODELS)
def test_a_model_that_cannot_be_is_refused(scenario_of, model, says):
    with pytest.raises(InvalidInput, match=says):
        scenario_of(contacts=model)


def test_what_does_not_scale_is_refused(scenario_of):
    with pytest.raises(InvalidInput, match="every pair counts; allowed are at most 5000"):
        scenario_of(nodes=6000, contacts={"source": "graph", "shape": "complete"})
    with pytest.raises(InvalidInput, match="for a ring; allowed are 3"):
        scenario_of(nodes=2)


BUSY = {"source": "random-contacts", "gap_mean_s": 1, "length_mean_s": 1}
FLOODER = {"kind": "flooder", "count": 3, "interval_s": 1}
SYBIL = {"kind": "sybil", "count": 1, "identities": 999, "conduct": "flooder", "interval_s": 9}
LONG = {"end_s": 1e9}
TOO_MUCH = [
    ({"timeline_step_s": 0.001}, "more than 100000 rows; allowed are steps of 0.006 s and more"),
    ({"contacts": {**WALKS, "step_s": 0.001}, "end_s": 1e5}, "2000000 steps"),
    ({"contacts": {**WALKS, "range_m": 1e-9}}, "area that is 9 m wide; allowed are ranges above"),
    (
        {"contacts": {"source": "street-grid", "columns": 9, "rows": 2, "range_m": 1e-9}},
        "in an area that is 800 m wide",
    ),
    (
        {
            "contacts": {
                "source": "map-walk",
                "crossings_m": [[-3, 5], [4, 4]],
                "streets": [[0, 1]],
                "range_m": 1e-9,
            }
        },
        "in an area that is 7 m wide",
    ),
    (
        {
            "contacts": {
                "source": "working-day",
                "area_m": [2, 30],
                "offices": 1,
                "meeting_places": 1,
                "range_m": 1e-9,
            }
        },
        "in an area that is 30 m wide",
    ),
    ({"contacts": BUSY, **LONG}, "gap_mean_s = 1 makes more than 50000000 changes"),
    (
        {"faults": [{"kind": "partition", "ferries": 1, "trip_s": 0.001}]},
        r"faults\[0\].trip_s = 0.001 makes more than 100000 trips",
    ),
    (
        {"faults": [{"kind": "churn", "share": 1, "on_mean_s": 1, "off_mean_s": 1}], **LONG},
        r"faults\[0\].on_mean_s = 1 switches nodes off more than 2000000 times",
    ),
    ({"attackers": [FLOODER], **LONG}, r"attackers\[0\].interval_s makes more than 1000000"),
    ({"attackers": [{**FLOODER, "until_s": 9}, SYBIL], **LONG}, r"attackers\[1\].interval_s"),
    (
        {
            "attackers": [{"kind": "replayer", "count": 1, "interval_s": 0.001}],
            "fidelity": "protocol",
            **LONG,
        },
        r"attackers\[0\].interval_s makes more than 1000000",
    ),
]


@pytest.mark.parametrize(("change", "says"), TOO_MUCH)
def test_more_than_a_run_may_have_is_refused_before_it_begins(scenario_of, change, says):
    with pytest.raises(InvalidInput, match=says):
        scenario_of(**change)


def test_what_is_just_not_too_much_is_taken(scenario_of):
    assert scenario_of(timeline_step_s=0.006)
    assert scenario_of(attackers=[{**FLOODER, "interval_s": 0.01}])
    assert scenario_of(faults=[{"kind": "partition", "ferries": 1, "trip_s": 0.01}])


def test_a_file_that_is_no_toml_is_named(tmp_path):
    path = tmp_path / "x.toml"
    for data, says in (
        (b"name = ", "is no TOML file"),
        (b"\xff\xfe\x00", "is no UTF-8 text file"),
        (b"a = " + b"[" * 100_000, "is no TOML file"),
        (b"#" * (4 * 1024**2 + 1), "is larger than"),
        (b"nodes = " + b"9" * 5000, "is no TOML file: a number has thousands of digits"),
    ):
        path.write_bytes(data)
        with pytest.raises(InvalidInput, match=says) as caught:
            load_scenario(str(path))
        assert str(path) in str(caught.value)
    for missing in (tmp_path / "no.toml", tmp_path, "a" * 5000):
        with pytest.raises(InvalidInput, match="Cannot read"):
            load_scenario(str(missing))


@given(st.text(max_size=300))
@settings(max_examples=150, deadline=None)
def test_any_text_is_a_scenario_or_one_sentence(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_text(text, "utf-8", newline="")
    with pytest.raises(InvalidInput):
        load_scenario(str(path))


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
keys = st.sampled_from(
    [*Scenario.__struct_fields__, "contacts.shape", "workload.messages", "faults.0.kind", "x"]
)


@given(keys, json)
@settings(max_examples=400, deadline=None)
def test_any_value_of_any_key_is_taken_or_refused_in_a_sentence(tmp_path_factory, key, value):
    path = tmp_path_factory.getbasetemp() / "any.toml"
    table = {**TABLE, "faults": [{"kind": "crash", "at_s": 1, "down_s": 2, "count": 1}]}
    try:
        assert isinstance(scenario_from(with_value(table, key, value, path), path), Scenario)
    except InvalidInput as error:
        assert str(error).startswith(str(path))  # noqa: PT017 - either is right


def test_a_key_is_changed_by_its_dotted_name(scenario_of):
    changed = scenario_of(
        router__name="epidemic",
        faults=[{"kind": "crash", "at_s": 1, "down_s": 2, "count": 1}],
        faults__0__down_s=9,
        attackers=[{"kind": "black-hole", "share": 0.5}],
    )
    assert changed.router == RouterSettings(name="epidemic")
    assert changed.faults == (Crash(at_s=1, down_s=9, count=1),)
    assert changed.attackers == (BlackHole(share=0.5),)


@pytest.mark.parametrize(
    "key", ["x." * 5000 + "x", "name.x", "faults.x", "faults.0", "faults.1.share", "faults.9x.y"]
)
def test_a_key_that_leads_nowhere_is_refused(scenario_of, key):
    with pytest.raises(InvalidInput, match="leads nowhere"):
        scenario_of(
            faults=[{"kind": "crash", "at_s": 1, "down_s": 2, "count": 1}],
            **{key.replace(".", "__"): 1},
        )


def test_files_count_by_content_and_not_by_name(scenario_of, tmp_path):
    hashes = []
    for name in ("a.tsv", "b.tsv"):
        (tmp_path / name).write_text("1 CONN 0 1 up\n")
        hashes.append(scenario_hash(scenario_of(contacts={"source": "one", "file": name})))
    assert hashes[0] == hashes[1]
    (tmp_path / "b.tsv").write_text("2 CONN 0 1 up\n")
    assert scenario_hash(scenario_of(contacts={"source": "one", "file": "b.tsv"})) != hashes[0]
    assert scenario_hash(scenario_of(description="other words")) == scenario_hash(scenario_of())


def test_every_scenario_of_the_library_is_one_and_says_what_it_is():
    assert len(library_names()) == 9
    for name in library_names():
        scenario = load_scenario(name)
        assert scenario.name == name
        assert scenario.description.endswith((".", ")."))
        assert tomllib.loads(library_file(name).read_text("utf-8"))["name"] == name
    with pytest.raises(InvalidInput, match="Did you mean churn"):
        load_scenario("churm")


def test_a_table_is_read_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "x.toml"
    path.write_bytes(b"\xef\xbb\xbfname = 'x'\r\n")
    assert read_table(path) == {"name": "x"}
