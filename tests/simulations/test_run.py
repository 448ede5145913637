"""One run: its fates and figures, its folder, its log, and that it repeats itself."""

import csv
import io
import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("numpy")
pq = pytest.importorskip("pyarrow.parquet")

from p2p.errors import InvalidInput  # noqa: E402
from simulations.checkers.frames import Plaintext  # noqa: E402
from simulations.event_log import EventLog, line_text  # noqa: E402
from simulations.observer import KINDS  # noqa: E402
from simulations.record import write_graph  # noqa: E402
from simulations.run import run_scenario, write_run  # noqa: E402
from simulations.scenario.model import (  # noqa: E402
    Checks,
    Graph,
    Infrastructure,
    RandomContacts,
    RandomLoad,
    Scenario,
)
from simulations.scenario.troubles import (  # noqa: E402
    BlackHole,
    Churn,
    ClockError,
    Crash,
    Flooder,
    Partition,
    Shutdown,
)

ROOT = Path(__file__).parents[2]
FIDELITIES = pytest.mark.parametrize("fidelity", ["abstract", "protocol"])


def world(fidelity="abstract", **changes):
    values = {
        "name": "world",
        "fidelity": fidelity,
        "nodes": 8,
        "end_s": 1200.0,
        "contacts": RandomContacts(gap_mean_s=300.0, length_mean_s=30.0),
        "workload": RandomLoad(messages=20, until_s=600.0),
        "faults": (
            Churn(share=0.5, on_mean_s=200, off_mean_s=50, memory="lost", until_s=500),
            Partition(from_s=100, until_s=700, ferries=1),
        ),
        "attackers": (BlackHole(count=1), Flooder(count=1, interval_s=100, size_bytes=5000)),
    }
    return Scenario(**{**values, **changes})


@FIDELITIES
def test_a_run_repeats_itself_and_another_seed_does_not(fidelity):
    once, again, other = (run_scenario(world(fidelity), seed) for seed in (1, 1, 2))
    assert once.findings == again.findings == other.findings == ()
    assert once.event_log_sha256 == again.event_log_sha256 != other.event_log_sha256
    assert (once.messages, once.timeline, once.outcome) == (
        again.messages,
        again.timeline,
        again.outcome,
    )


@FIDELITIES
def test_the_log_holds_every_line_and_its_hash(fidelity):
    text = io.StringIO()
    result = run_scenario(world(fidelity), 1, log=text)
    lines = text.getvalue().splitlines()
    assert len(lines) == result.events
    kinds = {}
    for line in lines:
        time_s, node, kind, *fields = line.split("\t")
        assert 0 <= float(time_s) <= 1200
        assert 0 <= int(node) < 8
        assert len(fields) == len(KINDS[kind])
        kinds[kind] = kinds.get(kind, 0) + 1
    assert {"created", "kept", "delivered", "link-up", "forgot"} <= kinds.keys()
    log = EventLog()
    log.note(1.5, 2, "noted", ("a\tb\\c\n",))
    assert line_text(1.5, 2, "noted", ("a\tb\\c\n",)) == "1.5\t2\tnoted\ta\\tb\\\\c\\n\n"
    assert log.hexdigest() != EventLog().hexdigest()


@FIDELITIES
def test_every_message_has_a_row_with_its_fate(fidelity):
    result = run_scenario(world(fidelity), 4)
    delivered = {one.creation.name: one for one in result.outcome.deliveries}
    assert len(result.messages) + result.counters["unwritten"] == 20
    for row in result.messages:
        assert (row.delivered_s is None) == (row.id not in delivered) == bool(row.lost_why)
        if row.delivered_s is not None:
            assert row.oracle_s is not None
            assert row.created_s <= row.oracle_s <= row.delivered_s
        assert row.lost_why in {
            "", "unreachable", "under-way", "evicted", "expired", "forgotten", "proven"
        }  # fmt: skip
    figures = result.metrics()
    assert figures["delivery_ratio"] <= figures["oracle_delivery_ratio"] <= 1
    assert figures["delivered_of_possible"] <= 1
    last = result.timeline[-1]
    assert (last.time_s, last.created) == (1200.0, len(result.messages))
    assert last.delivered >= len(result.outcome.deliveries)
    assert len(result.timeline) == 101


def test_the_folder_holds_the_run(tmp_path):
    result = run_scenario(world(), 1)
    write_run(result, tmp_path / "out")
    write_graph(result, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "DeliveredMessagesReport.txt",
        "MessageStatsReport.txt",
        "contacts.graphml",
        "manifest.json",
        "messages.csv",
        "messages.parquet",
        "timeline.parquet",
    ]
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["event_log_sha256"] == result.event_log_sha256
    assert manifest["seed"] == 1
    assert len(manifest["scenario_sha256"]) == 64
    rows = pq.read_table(tmp_path / "out" / "messages.parquet").to_pylist()
    assert [tuple(row.values()) for row in rows] == [tuple(row) for row in result.messages]
    text = (tmp_path / "out" / "messages.csv").read_text()
    read = list(csv.DictReader(io.StringIO(text)))
    assert [row["id"] for row in read] == [row.id for row in result.messages]
    table = pq.read_table(tmp_path / "out" / "timeline.parquet")
    assert table.num_rows == len(result.timeline)
    with pytest.raises(InvalidInput, match="Cannot write to"):
        write_run(result, Path("/dev/null/out"))


def test_a_world_without_mail_has_no_figures_and_is_written_all_the_same(tmp_path):
    quiet = world(workload=RandomLoad(messages=0), attackers=())
    result = run_scenario(quiet, 1)
    assert math.isnan(result.metrics()["delivery_ratio"])
    write_run(result, tmp_path)
    assert json.loads((tmp_path / "manifest.json").read_text())["metrics"]["hops_mean"] is None


@FIDELITIES
def test_nobody_writes_where_the_node_is_off(fidelity):
    crash = Crash(at_s=0.0, down_s=300.0, share=1.0)
    result = run_scenario(world(fidelity, faults=(crash,), attackers=()), 1)
    assert result.counters["unwritten"] > 0
    assert all(row.created_s > 300 for row in result.messages)


def test_a_shutdown_stops_mail_until_it_ends():
    faults = (Shutdown(from_s=0.0, until_s=900.0),)
    contacts = RandomContacts(gap_mean_s=1e9, length_mean_s=1.0)
    isolated = world(
        faults=faults,
        attackers=(),
        contacts=contacts,
        infrastructure=Infrastructure(share=1.0, links=8),
        check=Checks(liveness_budget_s=60.0, healed_s=900.0),
    )
    result = run_scenario(isolated, 1)
    assert result.findings == ()
    assert {row.delivered_s is not None and row.delivered_s >= 900 for row in result.messages} == {
        True
    }


def test_liveness_is_asked_for_and_found_missing():
    cut = Partition(from_s=0.0)
    broken = world(
        faults=(cut,),
        attackers=(BlackHole(nodes=(1, 2, 3, 4, 5, 6)),),
        contacts=Graph(shape="line"),
        check=Checks(liveness_budget_s=10.0),
    )
    joined = world(
        faults=(),
        attackers=(BlackHole(nodes=(3,)),),
        contacts=Graph(shape="line"),
        check=Checks(liveness_budget_s=10.0),
    )
    assert run_scenario(broken, 1).findings == ()
    found = run_scenario(joined, 1).findings
    assert found
    assert {finding.checker for finding in found} == {"liveness"}


def test_mail_across_the_cut_is_told_apart_and_healing_is_timed():
    cut = Partition(from_s=0.0, until_s=700.0)
    load = RandomLoad(messages=20, until_s=600.0, destinations="other-side")
    result = run_scenario(world(faults=(cut,), attackers=(), workload=load), 1)
    assert all(row.crosses and row.source % 2 != row.destination % 2 for row in result.messages)
    assert all((row.oracle_s or 1e9) >= 700 for row in result.messages)
    assert result.metrics()["healing_s"] > 0


def test_wrong_clocks_of_minutes_do_no_harm():
    skew = ClockError(at_s=0.0, offset_s=900.0, share=0.5)
    contacts = Graph(shape="ring")
    result = run_scenario(world("protocol", faults=(skew,), attackers=(), contacts=contacts), 1)
    assert result.findings == ()
    assert len(result.outcome.deliveries) == 20


def test_the_real_suite_shows_no_text_and_the_stand_in_does():
    small = {
        "nodes": 3,
        "contacts": Graph(shape="line"),
        "faults": (),
        "attackers": (),
        "workload": RandomLoad(messages=3, until_s=100.0),
        "end_s": 400.0,
    }
    result = run_scenario(world("protocol", suite="real", **small), 1)
    assert result.suite == "X3DH and Double Ratchet"
    assert (len(result.outcome.deliveries), result.findings) == (3, ())
    from simulations.protocol.options import ProtocolOptions
    from simulations.protocol.routers import make_routers
    from simulations.protocol.seams import Observer
    from simulations.protocol.world import ProtocolWorld
    from simulations.scenario.assembly import assemble

    checker = Plaintext()

    class Looker(Observer):
        def sent(self, time_s, sender, receiver, frame, size_bytes):
            checker.look(time_s, sender, frame)

    made = assemble(world("protocol", **small), 1, None)
    options = ProtocolOptions(observers=(Looker(),))
    routers = make_routers("epidemic", 8)
    ProtocolWorld(made.settings, made.links, made.creations, routers, options).run()
    assert checker.findings
    assert "shows the text of a message" in checker.findings[0].sentence


PROGRAM = """
import sys
from simulations.run import run_scenario
from tests.simulations.test_run import world
print(run_scenario(world(sys.argv[1]), 1).event_log_sha256)
"""


@FIDELITIES
def test_other_processes_with_other_hash_seeds_give_the_same_log(fidelity):
    expected = run_scenario(world(fidelity), 1).event_log_sha256
    for hash_seed in ("0", "1", "4242"):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, fidelity],
            cwd=ROOT,
            env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        assert done.stdout.strip() == expected
