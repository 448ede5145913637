"""Each import contract is shown to bite: violations are planted in a copy, and must be named."""

from __future__ import annotations

import configparser
import itertools
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("p2p", "cli", "simulations")

CONTRACTS = configparser.ConfigParser()
CONTRACTS.read(ROOT / ".importlinter")


def _lines(contract: str, option: str) -> list[str]:
    return CONTRACTS[f"importlinter:contract:{contract}"][option].split()


def _layers() -> list[list[str]]:
    """Give the layers, highest first, as far as they exist."""
    text = CONTRACTS["importlinter:contract:layers"]["layers"]
    rows = [re.findall(r"[\w.]+", row) for row in text.strip().splitlines()]
    return [[name for name in row if _path(name).exists()] for row in rows]


def _path(module: str, root: Path = ROOT) -> Path:
    package = root.joinpath(*module.split("."))
    return package if package.is_dir() else package.with_suffix(".py")


def _violations() -> list[tuple[str, str, str]]:
    """Give (contract, where the import is planted, what it imports)."""
    found: list[tuple[str, str, str]] = []
    rows = [row for row in _layers() if row]
    for higher, lower in itertools.pairwise(rows):
        found += [("layers", low, high) for high in higher for low in lower]
    for row in rows:
        found += [("layers", a, b) for a in row for b in row if a != b]
    for contract in (
        "control",
        "sans-io",
        "adapters",
        "simulations",
        "simulation-kernel",
        "light-client",
    ):
        for source in _lines(contract, "source_modules"):
            wanted = _lines(contract, "forbidden_modules")
            found += [(contract, source, name) for name in wanted]
    for contract in ("libraries", "cryptography"):
        wanted = _lines(contract, "forbidden_modules")
        for source in ("p2p.node", "p2p.core", "p2p.control", "cli", "simulations"):
            found += [(contract, source, name) for name in wanted]
    found += [("cryptography", "p2p.adapters", "nacl"), ("cryptography", "p2p.groups", "nacl")]
    found += [("libraries", "p2p.sessions", "libp2p"), ("libraries", "p2p.daemon", "zeroconf")]
    found += [("cli", "cli", name) for name in ("p2p.errors", "p2p.node", "p2p.wire.ids")]
    found += [("cli", "cli.stateless", name) for name in ("p2p.core", "p2p.node", "p2p.adapters")]
    found += [("cli", "cli.commands", "p2p.credentials")]
    return [v for v in found if _path(v[1]).exists()]


VIOLATIONS = _violations()


def _plant(tree: Path, contract: str, source: str, target: str) -> None:
    """Write the import into a module of its own, or into the module where the source is one."""
    path = _path(source, tree)
    if path.is_dir():
        path = path / f"bites_{contract.replace('-', '_')}.py"
    with path.open("a") as file:
        file.write(f"\nimport {target}\n")


def _lint(tree: Path) -> str:
    """Give the report of the import linter, with each line whole."""
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as run; run()",
    ]
    done = subprocess.run(
        [*command, "--no-logo", "--no-cache"],
        cwd=tree,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={"COLUMNS": "1000", "PATH": "", "PYTHONPATH": str(tree)},
    )
    assert done.stderr == ""
    return done.stdout


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Give what the linter says of a copy full of violations, by name of the contract."""
    tree = tmp_path_factory.mktemp("copy")
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, tree / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / ".importlinter", tree)
    for violation in VIOLATIONS:
        _plant(tree, *violation)
    output = _lint(tree)
    assert "Broken contracts" in output, output
    _, _, details = output.partition("Broken contracts")
    parts = re.split(r"^(.+)\n-+\n", details, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize(
    ("contract", "source", "target"), VIOLATIONS, ids=[f"{c}:{s}:{t}" for c, s, t in VIOLATIONS]
)
def test_a_violation_is_named(
    report: dict[str, str], contract: str, source: str, target: str
) -> None:
    name = CONTRACTS[f"importlinter:contract:{contract}"]["name"]
    assert name in report, f"the contract {name!r} was kept"
    planted = source
    if _path(source).is_dir():
        planted += f".bites_{contract.replace('-', '_')}"
    pattern = rf"(^|\s){re.escape(planted)} -> {re.escape(target)}(\s|$)"
    assert re.search(pattern, report[name], flags=re.MULTILINE), report[name]


def test_every_contract_has_a_violation() -> None:
    names = {
        section.rpartition(":")[2] for section in CONTRACTS.sections() if section.count(":") == 2
    }
    assert names == {contract for contract, _, _ in VIOLATIONS}


def test_every_part_of_the_product_has_a_layer() -> None:
    layered = {name for row in _layers() for name in row}
    parts = {
        f"p2p.{path.stem}"
        for path in (ROOT / "p2p").iterdir()
        if not path.name.startswith(("_", ".")) and path.suffix in ("", ".py")
    }
    assert {part for part in parts if part not in layered} == {"p2p.control"}


def test_every_part_below_the_shell_is_sans_io() -> None:
    rows = _layers()
    node = next(i for i, row in enumerate(rows) if "p2p.node" in row)
    below = {name for row in rows[node + 1 :] for name in row}
    assert below == set(_lines("sans-io", "source_modules"))
