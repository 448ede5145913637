"""The example that draws delivery against partition length, on a small sweep."""

import subprocess
import sys
from pathlib import Path

import pytest

from examples.partition_lengths import ratios
from simulations.scenario.catalogue import FOLDER
from simulations.sweep.folder import SweepFolder
from simulations.sweep.grid import load_grid
from simulations.sweep.plan import plan_of
from simulations.sweep.sweep import run_sweep
from tests.simulations.sweep.test_sweep import Here, Silent

GRIDS = sorted((FOLDER / "grids").glob("*.toml"))


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Two seeds of the real grid with less mail."""
    folder = tmp_path_factory.mktemp("example")
    text = (FOLDER / "grids" / "partition-lengths.toml").read_text()
    path = folder / "grid.toml"
    path.write_text(text.replace("[set]\n", "[set]\nworkload.messages = 20\n"))
    grid = load_grid(path)
    out = SweepFolder(folder / "out")
    with out.held(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        plan = plan_of(grid.name, "", grid.parameters, grid.variants, (1, 2))
        run_sweep(plan, out, Here(), Silent())
    return out.path


def call(folder):
    command = [sys.executable, "-m", "examples.partition_lengths", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_the_example_prints_and_draws(results):
    done = call(results)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 4 * 5 + 1
    assert (results / "delivery.png").read_bytes().startswith(b"\x89PNG")


def test_no_router_is_above_the_oracle(results):
    found = ratios(results / "results.parquet")
    assert {name for name, _ in found} == {"spray", "epidemic", "direct", "oracle"}
    for (name, hours), values in found.items():
        for mine, limit in zip(values, found["oracle", hours], strict=True):
            assert mine <= limit, name


def test_a_folder_without_results_is_one_sentence(tmp_path):
    done = call(tmp_path)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    (tmp_path / "results.parquet").write_bytes(b"PAR1")
    assert call(tmp_path).returncode == 1


@pytest.mark.parametrize("path", GRIDS, ids=lambda path: path.stem)
def test_a_grid_of_the_library_can_be_read(path: Path):
    grid = load_grid(path)
    assert grid.description
    assert len({one.scenario_sha256 for one in grid.variants}) == len(grid.variants)
