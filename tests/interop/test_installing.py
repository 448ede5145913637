"""How the peers are installed, and how it is told that they are not; npm is a fake here."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REFUSED = 'echo "npm error code ECONNREFUSED" >&2; exit 1'
SKIPPED = " The tests against npm peers will skip.\n"


def script(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Give a copy of what installing needs, with a fake Node.js 20 and a fake npm beside it."""
    for folder in ("tools", "tests/interop/node_modules", "bin"):
        (tmp_path / folder).mkdir(parents=True)
    shutil.copy(ROOT / "tools" / "interop", tmp_path / "tools" / "interop")
    (tmp_path / "tests" / "interop" / "package-lock.json").write_text("{}")
    script(tmp_path / "bin" / "node", "echo true")
    script(tmp_path / "bin" / "npm", 'echo "$*" > asked; mkdir -p node_modules')
    return tmp_path


def install(project: Path, *words: str) -> subprocess.CompletedProcess[str]:
    path = f"{project / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["sh", str(project / "tools" / "interop"), *words],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_what_is_in_place_is_not_installed_again(project: Path) -> None:
    asked = project / "tests" / "interop" / "asked"
    assert install(project).returncode == 0
    assert "fetch" not in asked.read_text()
    asked.unlink()
    assert install(project).stderr == ""
    assert not asked.exists()


def test_nobody_waits_long_for_a_registry_that_was_not_asked_for(project: Path) -> None:
    assert install(project, "--if-possible").returncode == 0
    asked = (project / "tests" / "interop" / "asked").read_text()
    assert "--fetch-retries=0 --fetch-timeout=10000" in asked


def test_a_registry_out_of_reach_is_told_in_a_sentence(project: Path) -> None:
    script(project / "bin" / "npm", REFUSED)
    done = install(project, "--if-possible")
    assert done.returncode == 0
    said = "interop: npm could not install the peers (ECONNREFUSED)." + SKIPPED
    assert done.stderr.endswith(said)
    assert "npm error" not in done.stderr
    assert not (project / "tests" / "interop" / "node_modules").exists()


def test_who_asks_for_the_peers_is_told_all_of_it(project: Path) -> None:
    script(project / "bin" / "npm", REFUSED)
    done = install(project)
    assert done.returncode == 1
    assert "npm error code ECONNREFUSED\n" in done.stderr
    assert done.stderr.endswith("interop: npm could not install the peers (ECONNREFUSED).\n")


def test_an_install_that_does_not_end_is_given_up(project: Path) -> None:
    script(project / "bin" / "timeout", "exit 124")
    done = install(project, "--if-possible")
    assert done.returncode == 0
    assert done.stderr.endswith("(not done after three minutes)." + SKIPPED)


def test_a_node_that_is_too_old_is_told(project: Path) -> None:
    script(project / "bin" / "node", "echo false")
    assert (
        install(project, "--if-possible").stderr == "interop: Node.js is older than 20." + SKIPPED
    )
    assert install(project).returncode == 1
