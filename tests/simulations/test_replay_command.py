import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def molva_sim(tmp_path, *flags, **changes):
    contacts, messages = tmp_path / "c.tsv", tmp_path / "m.tsv"
    if not contacts.exists():
        contacts.write_text("10\tCONN\t0\t1\tup\n")
        messages.write_text("5\tC\tM1\t0\t1\t350\n")
    options = {
        "contacts": contacts,
        "messages": messages,
        "router": "spray",
        "nodes": 2,
        "end": 100,
        "rate": 100,
        "buffer": 1000,
        "ttl": 60,
        "fidelity": "compat",
        "out": tmp_path / "out",
        **changes,
    }
    words = [str(word) for key, value in options.items() for word in (f"--{key}", value)]
    return subprocess.run(
        [sys.executable, "-m", "simulations.main", "replay", *words, *flags],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("router", ["epidemic", "spray", "direct", "prophet"])
def test_three_files_are_written(tmp_path, router):
    done = molva_sim(tmp_path, router=router)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("1 of 1 messages delivered")
    lines = (tmp_path / "out" / "DeliveredMessagesReport.txt").read_text().splitlines()
    assert lines[1:] == ["14.0000 M1 350 1 9.0000 n0 n1 59 N n0->n1"]
    statistics = (tmp_path / "out" / "MessageStatsReport.txt").read_text()
    assert statistics.startswith(f"Message stats for scenario c_{router}_compat\n")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert (manifest["router"], manifest["copies"], manifest["delivered"]) == (router, 6, 1)
    assert len(manifest["contacts"]["sha256"]) == len(manifest["outcome_sha256"]) == 64


def test_the_manifest_is_printed_as_json(tmp_path):
    done = molva_sim(tmp_path, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert json.loads(done.stdout)["delivered"] == 1


def test_abstract_fidelity_needs_no_whole_seconds(tmp_path):
    assert molva_sim(tmp_path, fidelity="abstract").returncode == 0
    text = (tmp_path / "out" / "DeliveredMessagesReport.txt").read_text()
    assert "13.5000 M1 350 1 8.5000" in text


@pytest.mark.parametrize("router", ["epidemic", "spray", "direct", "prophet"])
def test_protocol_fidelity_runs_production_nodes(tmp_path, router):
    done = molva_sim(tmp_path, fidelity="protocol", router=router, rate=100_000)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("1 of 1 messages delivered, 1 transfers")
    lines = (tmp_path / "out" / "DeliveredMessagesReport.txt").read_text().splitlines()
    assert lines[1].split()[1:4] == ["M1", "350", "1"]
    assert lines[1].endswith("n0->n1")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert (manifest["fidelity"], manifest["suite"]) == ("protocol", "INSECURE-stand-in")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"contacts": "missing.tsv"}, "Cannot read missing.tsv: No such file or directory."),
        ({"nodes": 1}, "c.tsv, line 1: there is no node 1; allowed are 0 to 0 (set by --nodes)."),
        ({"out": "/dev/null/x"}, "Cannot write to /dev/null/x: Not a directory."),
    ],
)
def test_a_bad_input_is_one_sentence(tmp_path, changes, says):
    done = molva_sim(tmp_path, **changes)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("molva-sim: ")
    assert done.stderr.strip().endswith(says)


@pytest.mark.parametrize(
    "changes",
    [{"router": "flood"}, {"rate": 0}, {"end": -1}, {"copies": 256}, {"buffer": "big"}],
)
def test_wrong_usage_is_told_apart(tmp_path, changes):
    done = molva_sim(tmp_path, **changes)
    assert done.returncode == 2
    assert "Usage:" in done.stderr
