"""The commands around scenarios, as a person types them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

pytest.importorskip("numpy")
pytest.importorskip("pyarrow")

from p2p.errors import InvalidInput
from simulations.checkers.finding import Finding
from simulations.commands import check as check_command
from simulations.formats.one_events import read_contacts
from simulations.main import commands
from simulations.replay import ReplayRequest, run_replay
from simulations.trace import Creation, Delivery

WORLD = """
name = "small"
nodes = 4
end_s = 400
[contacts]
source = "random-contacts"
gap_mean_s = 60
length_mean_s = 20
[workload]
source = "random"
messages = 5
until_s = 100
"""


@pytest.fixture
def world(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(WORLD)
    return path


def call(*words):
    return CliRunner().invoke(commands, [str(word) for word in words], standalone_mode=False)


def test_a_run_prints_a_summary_and_writes_its_folder(world, tmp_path):
    done = call("run", world, "--out", tmp_path / "out", "--graph", "--log", tmp_path / "log")
    assert (done.return_value, done.exception) == (0, None)
    assert done.stdout.startswith("small: seed 1, abstract fidelity, spray, 4 nodes, 400 s\n")
    assert "One seed is one sample" in done.stdout
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["event_log_sha256"] in done.stdout
    assert len((tmp_path / "log").read_text().splitlines()) == manifest["events"]
    assert (tmp_path / "out" / "contacts.graphml").exists()


def test_a_run_answers_in_json_and_keys_can_be_changed(world):
    done = call("run", world, "--json", "--seed", 9, "--set", "router.name=direct")
    manifest = json.loads(done.stdout)
    assert (manifest["seed"], manifest["scenario"]["router"]["name"]) == (9, "direct")
    for text in ("9" * 5000, "[" * 5000):
        refused = call("run", world, "--set", f"nodes={text}")
        assert "allowed is a whole number from 1 to 100000." in str(refused.exception)
    for change in ("nodes", "=3"):
        assert type(call("run", world, "--set", change).exception).__name__ == "UsageError"
    assert isinstance(call("run", world, "--set", "nodes=0").exception, InvalidInput)
    assert type(call("run", world, "--graph").exception).__name__ == "UsageError"
    assert isinstance(call("run", world, "--log", "/nope/x").exception, InvalidInput)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("words", [(), ("--log", "/dev/full")])
def test_an_output_that_takes_nothing_is_one_sentence(world, words):
    """Both ends of a run: what it prints, and the log that it writes meanwhile."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "simulations.main", "run", str(world), *words],
            stdout=subprocess.PIPE if words else full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=100,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "molva-sim: Cannot write the output: No space left on device.\n"


def test_a_finding_is_told_and_fails(world):
    graph = WORLD.replace('"random-contacts"', '"graph"\nshape = "line"')
    line = graph.replace("gap_mean_s = 60\nlength_mean_s = 20\n", "")
    hole = '[[attackers]]\nkind = "black-hole"\nnodes = [1]\n'
    world.write_text(f"{line}{hole}[check]\nliveness_budget_s = 1\n")
    failed = call("run", world, "--set", "workload.messages=40")
    assert failed.return_value == 1
    assert "molva-sim: liveness, " in failed.stderr
    assert "findings more." in failed.stderr or failed.stderr.count("\n") <= 10


def test_contacts_are_written_as_the_one_reads_them(world, tmp_path):
    out, graph = tmp_path / "c.tsv", tmp_path / "c.graphml"
    done = call("contacts", world, "--out", out, "--graphml", graph, "--json")
    told = json.loads(done.stdout)
    found = read_contacts(out, 4)
    assert told["contacts"] == sum(change.up for change in found) > 0
    assert graph.read_text().count("<node ") == 4
    call("contacts", world, "--out", tmp_path / "f.tsv", "--faults")
    assert read_contacts(tmp_path / "f.tsv", 4) == found


def test_the_oracle_answers_for_scenarios_and_for_files(world, tmp_path):
    rows = json.loads(call("oracle", world, "--json").stdout)
    assert len(rows["messages"]) == rows["created"] == 5
    contacts, messages = tmp_path / "c.tsv", tmp_path / "m.tsv"
    contacts.write_text("10 CONN 0 1 up\n20 CONN 1 2 up\n")
    messages.write_text("1 C M1 0 2 100\n2 C M2 0 3 100\n15 C M3 2 0 9\n")
    files = ("--contacts", contacts, "--messages", messages, "--nodes", 4)
    answer = json.loads(call("oracle", *files, "--json").stdout)
    assert [row["earliest_s"] for row in answer["messages"]] == [20.0, None, 20.0]
    assert answer["reachable"] == 2
    ended = json.loads(call("oracle", *files, "--end", 19, "--json").stdout)
    assert (ended["created"], ended["reachable"]) == (3, 0)
    brief = json.loads(call("oracle", *files, "--ttl", 0, "--json").stdout)
    assert brief["reachable"] == 0
    call("oracle", *files, "--out", tmp_path / "o.csv")
    lines = (tmp_path / "o.csv").read_text().splitlines()
    assert lines[:3] == [
        "message,source,destination,created_s,earliest_s,delay_s",
        "M1,0,2,1.0,20.0,19.0",
        "M2,0,3,2.0,,",
    ]
    assert call("oracle", *files).stdout.splitlines()[2] == "M2\t0\t3\t2.0\t-\t-"
    for words in ((), (world, "--nodes", 4), ("--contacts", contacts)):
        assert type(call("oracle", *words).exception).__name__ == "UsageError"


@pytest.mark.parametrize(
    "words", [("run",), ("contacts", "--out", "c.tsv"), ("contacts", "--faults", "--out", "c.tsv")]
)
def test_what_is_refused_while_a_world_is_made_names_the_scenario(world, tmp_path, words):
    (tmp_path / "s.tsv").write_text("20 1 2\n20 3 4\n20 5 6\n")
    model = WORLD[WORLD.index("source") : WORLD.index("[workload]")]
    world.write_text(WORLD.replace(model, 'source = "sociopatterns"\nfile = "s.tsv"\n'))
    refused = call(*words[:1], world, *[tmp_path / w if "." in w else w for w in words[1:]])
    assert str(refused.exception).startswith(f"{world}: ")
    assert "allowed is nodes = 6 and more, not 4." in str(refused.exception)
    oracle = call("oracle", world)
    assert str(oracle.exception).startswith(f"{world}: ")


def test_the_library_is_listed_and_printed():
    assert "churn " in call("scenarios").stdout
    assert "conference-map" in json.loads(call("scenarios", "--json").stdout)
    assert 'name = "churn"' in call("scenarios", "churn").stdout
    assert isinstance(call("scenarios", "nope").exception, InvalidInput)


def test_check_runs_worlds_and_tells_what_fails(tmp_path, monkeypatch):
    done = call("check", "--seeds", 2, "--first", 3)
    assert done.return_value == 0
    assert done.stdout.startswith("4 worlds, 0 failed; ")
    sound = check_command.run_drawn

    def broken(seed, fidelity):
        from dataclasses import replace

        return replace(
            sound(seed, fidelity), findings=(Finding(5.0, 2, "safety", "it broke."),) * 7
        )

    monkeypatch.setattr(check_command, "run_drawn", broken)
    failed = call("check", "--seeds", 1, "--first", 7, "--fidelity", "abstract", "--out", tmp_path)
    assert failed.return_value == 1
    assert (
        "repeat it with: molva-sim check --seeds 1 --first 7 --fidelity abstract" in failed.stderr
    )
    assert "safety, 5.000 s, node 2: it broke." in failed.stderr
    assert "and 2 findings more" in failed.stderr
    again = call("run", tmp_path / "seed-7-abstract.toml", "--seed", 7, "--json")
    assert json.loads(again.stdout)["event_log_sha256"] == sound(7, "abstract").event_log_sha256
    told = json.loads(call("check", "--seeds", 1, "--fidelity", "abstract", "--json").stdout)
    assert (told["worlds"], told["failed"][0]["seed"]) == (1, 1)


def test_a_replay_that_beats_the_oracle_is_refused(tmp_path, monkeypatch):
    contacts, messages = tmp_path / "c.tsv", tmp_path / "m.tsv"
    contacts.write_text("10 CONN 0 1 up\n")
    messages.write_text("5 C M1 0 1 100\n")
    request = ReplayRequest(
        contacts, messages, "spray", 2, 60.0, 100, 1000, 60, 6, "abstract", tmp_path / "out"
    )
    outcome, _ = run_replay(request)
    from dataclasses import replace

    import simulations.abstract.replay as abstract

    early = Delivery(9.0, Creation(5.0, "M1", 0, 1, 100), (0, 1), 59)
    monkeypatch.setattr(abstract, "replay", lambda *_: replace(outcome, deliveries=(early,)))
    with pytest.raises(InvalidInput, match="The simulator is wrong: oracle, 9"):
        run_replay(request)
