"""Contacts of scenarios: each source gives what it should, once, and the cache is safe."""

import multiprocessing
import os

import pytest

pytest.importorskip("numpy")

from p2p.errors import InvalidInput
from simulations.formats.one_events import read_contacts, write_contacts
from simulations.scenario.contacts import infrastructure_edges, radio_contacts
from simulations.scenario.model import Infrastructure
from simulations.trace import ContactChange
from simulations.world import contact_cache
from simulations.world.contact_cache import cache_folder, cached_contacts

WALK = {"source": "random-waypoint", "area_m": [60, 60], "range_m": 15, "step_s": 2}
MODELS = [
    WALK,
    {"source": "street-grid", "columns": 3, "rows": 2, "block_m": 20, "range_m": 15},
    {
        "source": "map-walk",
        "crossings_m": [[0, 0], [40, 0], [40, 40]],
        "streets": [[0, 1], [1, 2]],
        "range_m": 10,
    },
    {
        "source": "working-day",
        "area_m": [50, 50],
        "offices": 1,
        "meeting_places": 1,
        "range_m": 15,
        "step_s": 10,
    },
    {"source": "random-contacts", "gap_mean_s": 60, "length_mean_s": 5},
    *({"source": "graph", "shape": shape} for shape in ("line", "ring", "complete")),
    {"source": "graph", "shape": "random", "share": 0.5},
    {"source": "graph", "shape": "grid", "columns": 3},
]


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_contacts_are_of_the_seed_and_survive_the_ones_file(scenario_of, tmp_path, model):
    scenario = scenario_of(contacts=model, end_s=40_000 if "offices" in model else 600)
    found = radio_contacts(scenario, 1, tmp_path / "cache")
    assert found
    assert found == radio_contacts(scenario, 1, tmp_path / "cache")
    assert found == radio_contacts(scenario, 1, None)
    assert all(c.first != c.second and 0 <= c.time_s <= scenario.end_s for c in found)
    write_contacts(tmp_path / "c.tsv", found)
    assert read_contacts(tmp_path / "c.tsv", scenario.nodes) == found
    if model.get("shape") not in {"line", "ring", "complete", "grid"}:
        assert found != radio_contacts(scenario, 2, None)


def test_files_of_contacts_are_read(scenario_of, tmp_path):
    (tmp_path / "one.tsv").write_text("1 CONN 0 5 up\n3 CONN 0 5 down\n")
    found = radio_contacts(scenario_of(contacts={"source": "one", "file": "one.tsv"}), 1, None)
    assert [tuple(c) for c in found] == [(1.0, 0, 5, True), (3.0, 0, 5, False)]
    (tmp_path / "sp.txt").write_text("20 7 9\n40 7 9\n100 9 11\n")
    patterns = scenario_of(contacts={"source": "sociopatterns", "file": "sp.txt"})
    assert sum(c.up for c in radio_contacts(patterns, 1, None)) == 2
    few = scenario_of(nodes=2, contacts={"source": "sociopatterns", "file": "sp.txt"})
    with pytest.raises(InvalidInput, match="has 3 people; allowed is nodes = 3 and more, not 2"):
        radio_contacts(few, 1, None)


def test_two_nodes_meet_as_often_as_the_mean_says(scenario_of):
    model = {"source": "random-contacts", "gap_mean_s": 90, "length_mean_s": 10}
    scenario = scenario_of(nodes=2, end_s=200_000, contacts=model, faults=[])
    begun = sum(change.up for change in radio_contacts(scenario, 1, None))
    assert begun == pytest.approx(2000, rel=0.1)


def test_internet_links_grow_with_the_share():
    few = infrastructure_edges(Infrastructure(share=0.2, links=3), 50, 1)
    assert len({node for edge in few for node in edge}) == 10
    assert all(a < b for a, b in few)
    assert len(set(few)) == len(few)
    assert infrastructure_edges(None, 50, 1) == []
    assert infrastructure_edges(Infrastructure(share=0.0), 50, 1) == []
    assert len(infrastructure_edges(Infrastructure(share=1.0, links=1000), 6, 1)) == 15


ROWS = [ContactChange(0.1 + 0.2, 0, 1, up=True), ContactChange(1e-9, 2, 3, up=False)]


def test_the_cache_makes_once_and_gives_the_same(tmp_path):
    made = []

    def make():
        made.append(1)
        return ROWS

    for _ in range(3):
        assert cached_contacts({"a": 1}, make, tmp_path) == ROWS
    assert len(made) == 1
    cached_contacts({"a": 2}, make, tmp_path)
    cached_contacts({"a": 2}, make, None)
    assert len(made) == 3
    assert [path.suffix for path in tmp_path.iterdir()] == [".npz", ".npz"]


def test_contacts_of_an_earlier_version_are_made_anew(monkeypatch, tmp_path):
    cached_contacts({"a": 1}, lambda: ROWS, tmp_path)
    monkeypatch.setattr(contact_cache, "VERSION", contact_cache.VERSION + 1)
    assert cached_contacts({"a": 1}, list, tmp_path) == []


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04", b"x" * 1000])
def test_a_damaged_file_is_made_anew(tmp_path, damage):
    cached_contacts({}, lambda: ROWS, tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage)
    assert cached_contacts({}, lambda: ROWS, tmp_path) == ROWS
    assert cached_contacts({}, list, tmp_path) == ROWS


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(tmp_path):
    (tmp_path / "file").write_text("")
    assert cached_contacts({}, lambda: ROWS, tmp_path / "file" / "below") == ROWS


def _together(folder, barrier, answers):
    def make():
        barrier.wait(30)
        return ROWS

    answers.put(cached_contacts({"same": 1}, make, folder) == ROWS)


def test_two_processes_may_make_the_same_at_once(tmp_path):
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(2), context.Queue()
    both = [context.Process(target=_together, args=(tmp_path, barrier, answers)) for _ in "ab"]
    for process in both:
        process.start()
    assert [answers.get(timeout=60) for _ in both] == [True, True]
    for process in both:
        process.join(60)
    assert cached_contacts({"same": 1}, list, tmp_path) == ROWS
    assert len(list(tmp_path.iterdir())) == 1


def test_the_longest_unused_is_forgotten_first(tmp_path, monkeypatch):
    for number in range(3):
        cached_contacts({"n": number}, lambda: ROWS, tmp_path)
        for path in tmp_path.iterdir():
            os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 10))
    size = next(tmp_path.iterdir()).stat().st_size
    monkeypatch.setattr(contact_cache, "TOTAL_MAX_BYTES", 3 * size)
    cached_contacts({"n": 0}, list, tmp_path)
    cached_contacts({"n": 3}, lambda: ROWS, tmp_path)
    made = []

    def missing():
        made.append(1)
        return ROWS

    cached_contacts({"n": 0}, missing, None if made else tmp_path)
    assert not made
    cached_contacts({"n": 1}, missing, tmp_path)
    assert made


def test_the_folder_is_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "molva" / "contacts"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache_folder() == tmp_path / "home" / ".cache" / "molva" / "contacts"
