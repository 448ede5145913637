"""Below the shell nothing is called that reads the world or depends on the process.

The import contracts keep modules out. These names need no import, or come from modules that are
otherwise pure: ``datetime`` may parse and compare, and may not be asked what time it is.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PURE = ("core", "sessions", "groups", "credentials", "ports", "crypto", "wire")
BUILTINS = {"breakpoint", "compile", "eval", "exec", "hash", "id", "input", "open", "print"}
METHODS = {"now", "today", "utcnow"}
CLOCKS = {"datetime", "date", "dt"}

MODULES = sorted(
    [ROOT / "p2p" / "errors.py", *(p for name in PURE for p in (ROOT / "p2p" / name).rglob("*.py"))]
)


def _impure_calls(tree: ast.Module) -> Iterator[str]:
    """Give the name and line of each call that a pure module may not make."""
    hashers = {
        id(call)
        for method in ast.walk(tree)
        if isinstance(method, ast.FunctionDef) and method.name == "__hash__"
        for call in ast.walk(method)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or id(node) in hashers:
            continue
        match node.func:
            case ast.Name(name) if name in BUILTINS:
                yield f"{name} in line {node.lineno}"
            case ast.Attribute(ast.Name(owner) | ast.Attribute(_, owner), method):
                if owner in CLOCKS and method in METHODS:
                    yield f"{owner}.{method} in line {node.lineno}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_pure_module_stays_pure(path: Path) -> None:
    assert not list(_impure_calls(ast.parse(path.read_text("utf-8"))))


@pytest.mark.parametrize(
    "call",
    ["hash('x')", "open('x')", "print(1)", "datetime.now(UTC)", "datetime.datetime.utcnow()"],
)
def test_an_impure_call_is_found(call: str) -> None:
    assert list(_impure_calls(ast.parse(f"def f():\n    return {call}")))


@pytest.mark.parametrize(
    "call",
    ["clock.now()", "datetime.fromisoformat(x)", "class A:\n  def __hash__(s): return hash(1)"],
)
def test_other_calls_are_not(call: str) -> None:
    assert not list(_impure_calls(ast.parse(call)))
