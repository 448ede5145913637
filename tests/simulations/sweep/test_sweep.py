"""Sweeps: resumable, repeatable, told when something is wrong with their folder."""

import errno
import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from p2p.errors import Conflict, InvalidInput, StoreFull
from simulations.sweep import folder as folder_module
from simulations.sweep.folder import SweepFolder
from simulations.sweep.grid import load_grid
from simulations.sweep.plan import Plan, plan_of, read_plan
from simulations.sweep.row import Row, read_row, row_bytes
from simulations.sweep.sweep import run_sweep
from simulations.sweep.tables import read_curves, read_results, read_rows
from simulations.sweep.work import Done, Job, perform
from tests.simulations.sweep.grids import GRID, write


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def plan(folder, seeds=2, grid=GRID) -> Plan:
    found = load_grid(write(folder, grid))
    return plan_of(
        found.name, found.description, found.parameters, found.variants, range(1, seeds + 1)
    )


class Here:
    """An engine in this process; ``stop_after`` runs, Ctrl-C is pressed."""

    def __init__(self, stop_after=None):
        self._left = stop_after
        self.jobs: list[Job] = []

    def workers(self):
        return 1

    def run(self, perform, groups):
        for group in groups:
            for job in group:
                if self._left == 0:
                    raise KeyboardInterrupt
                self._left = None if self._left is None else self._left - 1
                self.jobs.append(job)
                yield job, perform(job)


class Silent:
    """A watcher that keeps what it is told."""

    def __init__(self):
        self.failures = []

    def begun(self, found, runs, kept, workers):
        self.found = found
        self.kept = kept

    def ran(self, job, why):
        if why:
            self.failures.append(why)


def sweep(plan, path, engine=None, keep="row"):
    folder, watcher = SweepFolder(path), Silent()
    with folder.held():
        tally = run_sweep(plan, folder, engine or Here(), watcher, keep)
    return tally, watcher


def test_a_sweep_fills_its_tables(tmp_path):
    out = tmp_path / "out"
    tally, _ = sweep(plan(tmp_path), out)
    assert (tally.runs, tally.kept, tally.done, tally.failed) == (8, 0, 8, [])
    results = read_results(out)
    assert [(one.variant, one.seed) for one in results] == [
        (v, s) for v in range(4) for s in (1, 2)
    ]
    assert all(one.figures["findings"] == 0 for one in results)
    rows = read_rows(out / "results.parquet", ["router.name"])
    assert [row["router.name"] for row in rows][:4] == ["spray", "spray", "direct", "direct"]
    assert [row["workload.messages"] for row in rows][::4] == [6, 12]
    curves = read_curves(out)
    assert len(curves) == 8
    for one in results:
        curve = curves[one.variant, one.seed]
        assert curve[-1] == (1800.0, pytest.approx(one.figures["delivery_ratio"]))
        assert [share for _, share in curve] == sorted(share for _, share in curve)
    assert (out / "results.csv").read_text().startswith('"variant","label","workload.messages"')
    assert not list(out.rglob("*.part"))


def test_variants_of_a_seed_share_their_world(tmp_path):
    """Common random numbers: what the oracle could do does not depend on the router."""
    out = tmp_path / "out"
    sweep(plan(tmp_path, seeds=4), out)
    results = {(one.variant, one.seed): one.figures for one in read_results(out)}
    for seed in range(1, 5):
        for spray, direct in ((0, 1), (2, 3)):
            one, other = results[spray, seed], results[direct, seed]
            assert one["oracle_delivery_ratio"] == other["oracle_delivery_ratio"]
    assert len({results[2, seed]["latency_mean_s"] for seed in range(1, 5)}) > 1


def test_what_is_finished_is_not_done_again(tmp_path):
    out, wanted = tmp_path / "out", plan(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        sweep(wanted, out, Here(stop_after=3))
    assert len(read_results(out)) == 3
    engine = Here()
    tally, _ = sweep(wanted, out, engine)
    assert (tally.kept, tally.done, len(engine.jobs)) == (3, 5, 5)
    straight = tmp_path / "straight"
    sweep(wanted, straight)
    assert hashes(out) == hashes(straight)


def hashes(out):
    return [one.event_log_sha256 for one in read_results(out)]


def test_a_damaged_row_is_done_again(tmp_path):
    out, wanted = tmp_path / "out", plan(tmp_path)
    sweep(wanted, out)
    before = hashes(out)
    first, second, third, *_ = sorted((out / "rows").glob("*.json"))
    first.write_bytes(first.read_bytes()[:-20])
    second.write_bytes(second.read_bytes().replace(b'"seed":', b'"seed": '))
    third.write_bytes(b"")
    tally, watcher = sweep(wanted, out)
    assert (tally.kept, tally.done, tally.damaged) == (5, 3, 3)
    assert watcher.found.damaged == 3
    assert hashes(out) == before


def test_a_row_in_another_s_place_is_damaged(tmp_path):
    out, wanted = tmp_path / "out", plan(tmp_path)
    sweep(wanted, out)
    first, second, *_ = sorted((out / "rows").glob("*.json"))
    first.write_bytes(second.read_bytes())
    assert sweep(wanted, out)[0].damaged == 1


def test_a_row_of_other_code_is_done_again(tmp_path):
    out, wanted = tmp_path / "out", plan(tmp_path)
    sweep(wanted, out)
    path = min((out / "rows").glob("*.json"))
    row = read_row(path.read_bytes())
    assert row is not None
    said = {name: getattr(row, name) for name in Row.__struct_fields__}
    path.write_bytes(row_bytes(Row(**{**said, "code_sha256": "0" * 64})))
    assert sweep(wanted, out)[0].done == 1


def test_more_seeds_and_more_values_keep_what_is_there(tmp_path):
    out = tmp_path / "out"
    sweep(plan(tmp_path), out)
    tally, watcher = sweep(plan(tmp_path, seeds=3), out)
    assert (tally.kept, tally.done, watcher.found.other_grid) == (8, 4, False)
    wider = plan(tmp_path, seeds=3, grid=GRID.replace("[6, 12]", "[12, 3]"))
    tally, watcher = sweep(wider, out)
    assert (tally.kept, tally.done, watcher.found.other_grid) == (6, 6, True)
    assert len(read_results(out)) == 12


def test_a_changed_scenario_is_run_anew(tmp_path):
    out = tmp_path / "out"
    sweep(plan(tmp_path), out)
    found = load_grid(write(tmp_path, GRID.replace("200000", "300000")))
    changed = plan_of("small", "", found.parameters, found.variants, (1, 2))
    tally, watcher = sweep(changed, out)
    assert (tally.kept, tally.done, watcher.found.other_grid) == (0, 8, True)


def test_other_code_is_noticed(tmp_path):
    out, wanted = tmp_path / "out", plan(tmp_path)
    sweep(wanted, out)
    text = (out / "sweep.json").read_text()
    (out / "sweep.json").write_text(text.replace(wanted.code_sha256, "0" * 64))
    with pytest.raises(Conflict, match="made by other sources of Molva"):
        sweep(wanted, out)
    (out / "sweep.json").write_text(
        text.replace(wanted.code_sha256, "0" * 64).replace(f'"{wanted.version}"', '"9.9"')
    )
    with pytest.raises(Conflict, match=r"made by Molva 9\.9"):
        sweep(wanted, out)
    folder = SweepFolder(out)
    with folder.held():
        folder.clear()
    assert sweep(wanted, out)[0].done == 8


def test_a_worker_with_other_code_is_noticed(tmp_path):
    class Elsewhere(Here):
        def run(self, perform, groups):
            for job, answer in super().run(perform, groups):
                said = {**{f: getattr(answer.row, f) for f in Row.__struct_fields__}}
                yield job, Done(Row(**{**said, "code_sha256": "0" * 64}), {})

    with pytest.raises(Conflict, match="made by other sources of Molva than this sweep"):
        sweep(plan(tmp_path), tmp_path / "out", Elsewhere())


def test_a_run_that_cannot_be_is_told_and_loses_no_other(tmp_path):
    text = 'scenario = "base.toml"\n[vary]\n"router.name" = ["spray", "direct"]\n'
    base = """
name = "tiny"
nodes = 3
end_s = 100
[contacts]
source = "one"
file = "contacts.txt"
[workload]
source = "random"
messages = 3
"""
    contacts = tmp_path / "contacts.txt"
    contacts.write_text("1 CONN 0 1 up\n")
    found = load_grid(write(tmp_path, text, base))
    wanted = plan_of("x", "", found.parameters, found.variants, (1, 2))

    class Losing(Here):
        def run(self, perform, groups):
            for job, answer in super().run(perform, groups):
                yield job, answer
                contacts.unlink(missing_ok=True)

    tally, watcher = sweep(wanted, tmp_path / "out", Losing())
    assert tally.done == 1
    assert len(tally.failed) == len(watcher.failures) == 3
    assert "contacts.txt" in watcher.failures[0]
    contacts.write_text("1 CONN 0 1 up\n")
    assert sweep(wanted, tmp_path / "out")[0].done == 3


def test_a_run_s_own_folder_is_kept_where_it_is_wanted(tmp_path):
    out = tmp_path / "out"
    sweep(plan(tmp_path, seeds=1), out, keep="folder")
    assert sorted(one.name for one in (out / "runs").iterdir()) == ["0-1", "1-1", "2-1", "3-1"]
    manifest = json.loads((out / "runs" / "2-1" / "manifest.json").read_text())
    assert manifest["event_log_sha256"] == hashes(out)[2]
    assert (out / "runs" / "2-1" / "messages.parquet").stat().st_size > 0


def test_a_foreign_folder_is_left_alone(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.tex").touch()
    with pytest.raises(InvalidInput, match=r"holds no sweep, but 'thesis\.tex'"):
        sweep(plan(tmp_path), out)
    assert [one.name for one in out.iterdir()] == ["thesis.tex"]


def test_a_folder_that_is_a_file(tmp_path):
    out = tmp_path / "out"
    out.touch()
    with pytest.raises(InvalidInput, match="Cannot write to"):
        sweep(plan(tmp_path), out)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"molva_sweep": 1}', "\x00", "[" * 100_000])
def test_a_damaged_plan_is_noticed(tmp_path, text):
    out, wanted = tmp_path / "out", plan(tmp_path)
    sweep(wanted, out)
    (out / "sweep.json").write_text(text)
    with pytest.raises(InvalidInput, match=r"sweep\.json is damaged"):
        sweep(wanted, out)


def test_a_plan_of_another_format(tmp_path):
    out, wanted = tmp_path / "out", plan(tmp_path)
    sweep(wanted, out)
    text = (out / "sweep.json").read_text()
    (out / "sweep.json").write_text(text.replace('"molva_sweep": 1', '"molva_sweep": 2'))
    with pytest.raises(InvalidInput, match="has format 2; allowed is 1"):
        read_plan(out)


def test_two_sweeps_keep_out_of_each_other_s_way(tmp_path):
    out, wanted = tmp_path / "out", plan(tmp_path)
    with SweepFolder(out).held(), pytest.raises(Conflict, match="Another sweep is at work"):
        sweep(wanted, out)
    assert sweep(wanted, out)[0].done == 8


@pytest.mark.parametrize(
    ("number", "kind", "sentence"),
    [
        (errno.ENOSPC, StoreFull, "The disk of .* is full"),
        (errno.EACCES, InvalidInput, "Cannot write to"),
    ],
)
def test_a_disk_that_refuses_loses_nothing_finished(tmp_path, monkeypatch, number, kind, sentence):
    """The disk fills up after three runs; with room again, the rest is done."""
    out, wanted, kept = tmp_path / "out", plan(tmp_path), []
    fsync = folder_module.os.fsync

    def refuse(descriptor):
        kept.append(descriptor)
        if len(kept) > 4:
            raise OSError(number, "refused")
        fsync(descriptor)

    monkeypatch.setattr(folder_module.os, "fsync", refuse)
    with pytest.raises(kind, match=sentence):
        sweep(wanted, out)
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert len(list((out / "rows").iterdir())) == 3
    assert sweep(wanted, out)[0].kept == 3


def test_a_row_is_what_was_written(tmp_path):
    (job,) = [
        Job(key, variant.number, variant.scenario, seed, "row")
        for key, variant, seed in plan(tmp_path, seeds=1).runs()
    ][:1]
    done = perform(job)
    assert isinstance(done, Done)
    assert read_row(row_bytes(done.row)) == done.row
    assert done.row.figures["created"] == 6
    again = perform(job)
    assert isinstance(again, Done)
    assert again.row.event_log_sha256 == done.row.event_log_sha256
    for place in range(0, len(row_bytes(done.row)), 97):
        damaged = bytearray(row_bytes(done.row))
        damaged[place] ^= 1
        assert read_row(bytes(damaged)) is None


@pytest.mark.parametrize("data", [b"", b"x", b"PAR1", b"PAR1" * 100, b"variant,seed\n1,2\n"])
def test_a_table_that_is_none_is_one_sentence(tmp_path, data):
    for name in ("results.parquet", "curves.parquet"):
        (tmp_path / name).write_bytes(data)
    with pytest.raises(InvalidInput, match=r"results\.parquet is damaged"):
        read_results(tmp_path)
    with pytest.raises(InvalidInput, match=r"curves\.parquet is damaged"):
        read_curves(tmp_path)


def test_a_truncated_table_is_one_sentence(tmp_path):
    out = tmp_path / "out"
    sweep(plan(tmp_path), out)
    path: Path = out / "results.parquet"
    whole = path.read_bytes()
    for size in (10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(InvalidInput, match=r"results\.parquet is damaged"):
            read_results(out)
    sweep(plan(tmp_path), out)
    assert len(read_results(out)) == 8


def test_a_run_that_a_checker_objects_to_is_told_each_time(tmp_path):
    class Unsound(Here):
        def run(self, perform, groups):
            for job, answer in super().run(perform, groups):
                figures = {**answer.row.figures, "findings": float(job.seed == 2)}
                said = {name: getattr(answer.row, name) for name in Row.__struct_fields__}
                yield job, Done(Row(**{**said, "figures": figures}), {})

    out, wanted = tmp_path / "out", plan(tmp_path)
    tally, _ = sweep(wanted, out, Unsound())
    assert [seed for _, seed in tally.unsound] == [2, 2, 2, 2]
    assert sweep(wanted, out)[0].unsound == tally.unsound


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted by /proc")
def test_reading_a_table_leaves_no_thread_behind(tmp_path):
    """A thread of Arrow's that still runs when a short command ends aborts it."""
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"a": list(range(1000)), "b": ["x"] * 1000}), path)
    script = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from simulations.sweep.tables import read_rows\n"
        "before = len(os.listdir('/proc/self/task'))\n"
        "assert len(read_rows(Path(sys.argv[1]), ['a'])) == 1000\n"
        "assert len(os.listdir('/proc/self/task')) == before\n"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=True, timeout=100)
