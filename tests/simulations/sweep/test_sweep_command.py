"""``molva-sim sweep`` as people call it: with processes, interrupted, and with bad words."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from simulations.sweep.tables import read_results
from tests.simulations.sweep.grids import write

COMMAND = [sys.executable, "-m", "simulations.main", "sweep"]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def call(*words):
    return subprocess.run(
        [*COMMAND, *map(str, words)], capture_output=True, text=True, timeout=120, check=False
    )


def test_a_sweep_with_processes_and_once_more(tmp_path):
    grid, out = write(tmp_path), tmp_path / "out"
    done = call(grid, "--seeds", 2, "--workers", 2, "--out", out)
    assert (done.returncode, done.stdout) == (
        0,
        f"8 of 8 runs are in {out}; next: molva-sim report {out}\n",
    )
    assert "8/8" in done.stderr
    assert len(read_results(out)) == 8
    again = call(grid, "--seeds", 2, "--out", out, "--json")
    assert again.returncode == 0
    assert json.loads(again.stdout) == {
        "out": str(out),
        "grid": "small",
        "variants": 4,
        "seeds": 2,
        "runs": 8,
        "kept": 8,
        "done": 0,
        "damaged": 0,
        "failed": [],
        "unsound": [],
    }


def test_seeds_begin_where_they_are_told_to(tmp_path):
    grid, out = write(tmp_path), tmp_path / "out"
    assert call(grid, "--seeds", 1, "--first-seed", 77, "--out", out).returncode == 0
    assert {one.seed for one in read_results(out)} == {77}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_sweep_says_so_and_goes_on(tmp_path, number):
    grid, out = write(tmp_path), tmp_path / "out"
    words = [*COMMAND, str(grid), "--seeds", "2000", "--workers", "1", "--out", str(out)]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as running:
        wait_for(lambda: len(list((out / "rows").glob("*.json"))) >= 3)
        os.kill(running.pid, number)
        _, said = running.communicate(timeout=60)
    assert running.returncode == 130
    last = said.splitlines()[-1]
    assert last.startswith("molva-sim: Interrupted: ")
    assert "of 8000 runs are kept" in last
    kept = len(read_results(out))
    assert kept >= 3
    assert f" {kept} of 8000 " in last
    assert "Traceback" not in said


def wait_for(holds):
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--seeds", "0"], 2, "0 is not in the range"),
        (["--seeds", "x"], 2, "not a valid integer"),
        (["--workers", "0"], 2, "0 is not in the range"),
        (["--workers", "1", "--dask", "tcp://127.0.0.1:1"], 2, "exclude each other"),
        (["--first-seed", str(2**63 - 2), "--seeds", "3"], 2, "go beyond"),
        (["--seeds", "10000", "--first-seed", "-1"], 2, "-1 is not in the range"),
    ],
)
def test_wrong_usage(tmp_path, words, code, sentence):
    done = call(write(tmp_path), "--out", tmp_path / "out", *words)
    assert done.returncode == code
    assert sentence in done.stderr
    assert not (tmp_path / "out").exists()


def test_what_cannot_be_is_one_sentence(tmp_path):
    grid = write(tmp_path, 'scenario = "base.toml"\n[vary]\n"router.nam" = ["spray"]\n')
    done = call(grid, "--out", tmp_path / "out")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f'molva-sim: {grid}: with router.nam = "spray": ')
    assert "unknown key" in line
    assert call(grid).returncode == 2
    assert call("--out", tmp_path / "out").returncode == 2


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_one_sentence(tmp_path):
    grid = write(tmp_path)
    (tmp_path / "locked").mkdir(mode=0o500)
    done = call(grid, "--out", tmp_path / "locked" / "out")
    assert done.returncode == 1
    assert "Cannot write to" in done.stderr
