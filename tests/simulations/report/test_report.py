"""Reports: true figures, one page that stands alone, and one sentence for whatever is damaged."""

import csv
import json
import math
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest

from p2p.errors import InvalidInput
from simulations.metrics import Interval
from simulations.report.numbers import estimate_text, number_text
from simulations.report.report import write_report
from simulations.report.study import (
    Estimate,
    Group,
    compared_key,
    differences,
    is_clear,
    numeric_key,
    read_study,
)
from simulations.run import run_scenario, write_run
from simulations.scenario.reading import load_scenario
from simulations.sweep.folder import SweepFolder
from simulations.sweep.grid import load_grid
from simulations.sweep.plan import plan_of
from simulations.sweep.sweep import run_sweep
from simulations.sweep.tables import Result
from tests.simulations.sweep.grids import GRID, write
from tests.simulations.sweep.test_sweep import Here, Silent

HOSTILE = '<script>alert("$x_1$")</script> & \\n | `*'


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


def swept(folder, grid=GRID, seeds=3, stop_after=None):
    found = load_grid(write(folder, grid))
    plan = plan_of(
        found.name, found.description, found.parameters, found.variants, range(1, seeds + 1)
    )
    out = SweepFolder(folder / "out")
    with out.held():
        try:
            run_sweep(plan, out, Here(stop_after), Silent())
        except KeyboardInterrupt:
            assert stop_after is not None
    return out.path


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    return swept(tmp_path_factory.mktemp("sweep"))


@pytest.fixture(scope="module")
def single(tmp_path_factory):
    folder = tmp_path_factory.mktemp("single")
    write(folder)
    write_run(run_scenario(load_scenario(str(folder / "base.toml")), 5), folder / "run")
    return folder / "run"


def said(_):
    """Nobody listens."""


class Page(HTMLParser):
    """What a page refers to, and what it says."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.references, self.words = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("href", "src", "xlink:href", "action", "data", "srcset", "poster"):
                self.references.append(value)

    def handle_data(self, data):
        self.words.append(data)


def assert_stands_alone(path):
    text = path.read_text("utf-8")
    page = Page(text)
    assert "script" not in page.tags
    assert "link" not in page.tags
    assert all(one.startswith("#") for one in page.references)
    assert not re.search(r"https?://|@import|url\((?!#)", text)
    ids = re.findall(r'\bid="([^"]*)"', text)
    assert {one[1:] for one in page.references} <= set(ids)
    return page


def test_a_sweep_s_report_is_whole(sweep, tmp_path):
    written = write_report(sweep, tmp_path / "report", None, said)
    assert_stands_alone(written.page)
    names = {name for name in written.files if name.startswith("plots/")}
    for wanted in ("delivery", "latency-cdf", "overhead", "buffer", "oracle", "robustness"):
        assert {f"plots/{wanted}.png", f"plots/{wanted}.svg"} <= names
    for name in written.files:
        data = (tmp_path / "report" / name).read_bytes()
        if name.endswith(".png"):
            assert data.startswith(b"\x89PNG")
        elif name.endswith((".svg", ".graphml")):
            ET.fromstring(data)
    assert written.tables[0].name == "summary"
    assert "3 seeds; 30 and more are usual" in written.warnings[0]


def test_tables_say_what_the_results_say(sweep, tmp_path):
    write_report(sweep, tmp_path, None, said)
    study = read_study(sweep)
    with (tmp_path / "summary.csv").open() as file:
        rows = {
            (row["workload.messages"], row["router.name"]): row
            for row in csv.DictReader(file)
            if row["figure"] == "delivery_ratio"
        }
    assert set(rows) == {("6", "spray"), ("6", "direct"), ("12", "spray"), ("12", "direct")}
    for group in study.groups:
        ratios = [result.figures["delivery_ratio"] for result in group.results.values()]
        row = rows[tuple(str(value) for value in group.variant.parameters.values())]
        assert float(row["mean"]) == pytest.approx(sum(ratios) / 3)
        assert int(row["seeds"]) == 3
        assert 0 <= float(row["low"]) <= float(row["mean"]) <= float(row["high"]) <= 1


def test_differences_are_taken_seed_by_seed(sweep):
    study = read_study(sweep)
    assert compared_key(study, None) == "router.name"
    assert numeric_key(study, "router.name") == "workload.messages"
    found = differences(study, "router.name", ["delivery_ratio"])
    assert [(one.where, one.other, one.reference) for one in found] == [
        ("workload.messages = 6", "direct", "spray"),
        ("workload.messages = 12", "direct", "spray"),
    ]
    spray, direct = study.groups[0].results, study.groups[1].results
    gaps = [
        direct[seed].figures["delivery_ratio"] - spray[seed].figures["delivery_ratio"]
        for seed in (1, 2, 3)
    ]
    assert found[0].figures["delivery_ratio"].interval.estimate == pytest.approx(sum(gaps) / 3)


def test_seeds_without_a_figure_are_left_out_of_a_pair(sweep):
    study = read_study(sweep)
    variant = study.groups[0].variant

    def group(values):
        results = {
            seed: Result(0, seed, {"healing_s": value}, "") for seed, value in values.items()
        }
        return Group(variant, results, {})

    assert group({1: 5.0, 2: None}).estimate("healing_s").seeds == 1
    assert group({1: None}).estimate("healing_s").seeds == 0
    assert math.isnan(group({}).estimate("healing_s").interval.estimate)


def test_no_bound_is_beyond_what_can_be(sweep):
    variant = read_study(sweep).groups[0].variant
    results = {
        seed: Result(0, seed, {"delivery_ratio": value, "hops_mean": value}, "")
        for seed, value in enumerate([0.0, 1.0, 1.0])
    }
    group = Group(variant, results, {})
    assert group.estimate("delivery_ratio").interval.high == 1.0
    assert group.estimate("delivery_ratio").interval.low == 0.0
    assert group.estimate("hops_mean").interval.high > 1.0


def test_a_parameter_to_compare_must_vary(sweep, tmp_path):
    assert compared_key(read_study(sweep), "workload.messages") == "workload.messages"
    with pytest.raises(InvalidInput, match=r"allowed are workload\.messages, router\.name"):
        write_report(sweep, tmp_path, "router.copies", said)


def test_one_seed_says_so(tmp_path):
    written = write_report(swept(tmp_path, seeds=1), tmp_path / "report", None, said)
    assert "One seed only" in written.warnings[0]
    assert all("one seed" in cell for cell in written.tables[0].rows[0][3:])
    assert "One seed" in written.page.read_text()


def test_an_unfinished_sweep_says_so(tmp_path):
    written = write_report(swept(tmp_path, stop_after=5), tmp_path / "report", None, said)
    assert "7 runs of the plan are missing" in written.warnings[0]


def test_hostile_names_stay_names(tmp_path):
    grid = f"""
name = '{HOSTILE}'
description = '{HOSTILE}'
scenario = "base.toml"
[[case]]
label = '{HOSTILE}'
[[case]]
label = '_hidden'
set = {{ router.name = "direct" }}
[[case]]
label = '網路 \U0001f525'
set = {{ router.name = "epidemic" }}
"""
    written = write_report(swept(tmp_path, grid, seeds=2), tmp_path / "report", None, said)
    page = assert_stands_alone(written.page)
    assert HOSTILE in "".join(page.words)
    for path in (tmp_path / "report" / "plots").glob("*.svg"):
        ET.fromstring(path.read_bytes())


def test_a_report_is_the_same_each_time(single, tmp_path):
    first = write_report(single, tmp_path / "a", None, said)
    write_report(single, tmp_path / "b", None, said)
    for name in first.files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_a_single_run_s_report_is_whole(single, tmp_path):
    written = write_report(single, tmp_path / "report", None, said)
    page = assert_stands_alone(written.page)
    assert "seed 5" in "".join(page.words)
    assert "One run of one seed" in "".join(page.words)
    for wanted in ("course", "latency-cdf", "oracle", "buffer", "robustness"):
        assert f"plots/{wanted}.svg" in written.files
    assert "contacts.graphml" in written.files
    with pytest.raises(InvalidInput, match="is a single run"):
        write_report(single, tmp_path, "router.name", said)


def test_folders_that_hold_nothing(tmp_path):
    with pytest.raises(InvalidInput, match="holds neither a sweep nor a run"):
        write_report(tmp_path, tmp_path, None, said)
    with pytest.raises(InvalidInput, match="is no folder"):
        write_report(tmp_path / "none", tmp_path, None, said)
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInput, match="is no folder"):
        write_report(tmp_path / "file", tmp_path, None, said)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "manifest.json is damaged"),
        ("{}", "manifest.json is damaged"),
        ('{"program": "molva-sim replay"}', "was made by 'molva-sim replay'"),
        ('{"program": "molva-sim run"}', "manifest.json is damaged"),
        ("[" * 100_000, "manifest.json is damaged"),
    ],
)
def test_a_foreign_manifest_is_one_sentence(tmp_path, text, sentence):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(InvalidInput, match=sentence):
        write_report(tmp_path, tmp_path, None, said)


@pytest.mark.parametrize("name", ["results.parquet", "curves.parquet", "sweep.json"])
def test_a_truncated_file_is_one_sentence(sweep, tmp_path, name):
    copy = tmp_path / "copy"
    copy.mkdir()
    for one in ("results.parquet", "curves.parquet", "sweep.json"):
        data = (sweep / one).read_bytes()
        (copy / one).write_bytes(data[: len(data) // 2] if one == name else data)
    with pytest.raises(InvalidInput, match=rf"{name} is damaged") as caught:
        write_report(copy, tmp_path / "report", None, said)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "report").exists()
    (copy / name).unlink()
    with pytest.raises(InvalidInput):
        write_report(copy, tmp_path / "report", None, said)


def test_results_of_another_plan_are_noticed(sweep, tmp_path):
    (tmp_path / "wide").mkdir()
    other = swept(tmp_path / "wide", GRID.replace("[6, 12]", "[6]"))
    for one in ("results.parquet", "curves.parquet"):
        (other / one).write_bytes((sweep / one).read_bytes())
    with pytest.raises(InvalidInput, match=r"has variant 2, which .* plan does not know"):
        write_report(other, tmp_path / "report", None, said)


def test_a_folder_that_cannot_be_written(sweep, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InvalidInput, match="Cannot write to"):
        write_report(sweep, tmp_path / "file", None, said)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.5, "share", "0.500"),
        (12345.6, "s", "12,346 s"),
        (1.234, "s", "1.23 s"),
        (-0.01234, "ratio", "-0.0123"),
        (0.0, "ratio", "0"),
        (1_500_000.0, "bytes", "1.50 MB"),
        (-2_000.0, "bytes", "-2.00 kB"),
        (12.0, "bytes", "12.0 B"),
        (math.nan, "s", "-"),
    ],
)
def test_numbers_for_people(value, unit, text):
    assert number_text(value, unit) == text


def test_an_estimate_tells_how_sure_it_is():
    sure = Estimate(Interval(0.5, 0.4, 0.6), 30)
    assert estimate_text(sure, "delivery_ratio") == "0.500 [0.400, 0.600]"
    assert estimate_text(sure, "delivery_ratio", signed=True) == "+0.500 [0.400, 0.600]"
    alone = Estimate(Interval(0.5, math.nan, math.nan), 1)
    assert estimate_text(alone, "delivery_ratio") == "0.500 (one seed)"
    assert estimate_text(Estimate(Interval(math.nan, math.nan, math.nan), 0), "hops_mean") == "-"
    assert is_clear(sure)
    assert not is_clear(alone)
    assert not is_clear(Estimate(Interval(0.0, -0.1, 0.1), 30))


def call(*words):
    command = [sys.executable, "-m", "simulations.main", "report", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_the_command_says_where_the_page_is(sweep, tmp_path):
    done = call(sweep, "--out", tmp_path / "report", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["page"] == str(tmp_path / "report" / "report.html")
    assert answer["tables"]["summary"]["rows"]
    refused = call(tmp_path)
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert call().returncode == 2
