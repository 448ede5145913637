"""What no linter of ours checks: sizes, names, mutable state, and Any."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PRODUCT = ("p2p", "cli", "simulations", "benchmarks", "examples", "tools")
MODULE_LINES_MAX = 400
TEST_MODULE_LINES_MAX = 600
FUNCTION_LINES_MAX = 50
VAGUE_NAMES = {"util", "utils", "helper", "helpers", "manager", "common", "misc"}

MUTABLE_LITERALS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
MUTABLE_CALLS = {
    "bytearray", "ChainMap", "Counter", "defaultdict", "deque", "dict", "list", "OrderedDict",
    "set", "WeakKeyDictionary", "WeakSet", "WeakValueDictionary", "ContextVar", "local",
}  # fmt: skip
MUTATORS = {
    "add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "popleft",
    "remove", "setdefault", "update",
}  # fmt: skip


def _modules(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return sorted(path.relative_to(ROOT) for path in found)


def _tree(path: Path) -> ast.Module:
    return ast.parse((ROOT / path).read_text("utf-8"), filename=str(path))


def _parameters(*folders: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("path", _modules(*folders), ids=str)


@_parameters(*PRODUCT, "tests", "typings")
def test_a_module_is_short(path: Path) -> None:
    count = len((ROOT / path).read_text("utf-8").splitlines())
    most = TEST_MODULE_LINES_MAX if path.parts[0] == "tests" else MODULE_LINES_MAX
    assert count <= most, f"{path} has {count} lines"


@_parameters(*PRODUCT)
def test_a_function_is_short(path: Path) -> None:
    long = [
        f"{path}:{node.lineno} {node.name} has {size} lines"
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (size := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    ]
    assert not long


@_parameters(*PRODUCT, "tests")
def test_a_module_is_named_after_something(path: Path) -> None:
    words = {word for part in path.with_suffix("").parts for word in part.split("_")}
    assert not words & VAGUE_NAMES


@_parameters("p2p", "cli", "simulations")
def test_nothing_is_any(path: Path) -> None:
    uses = [
        f"{path}:{node.lineno}"
        for node in ast.walk(_tree(path))
        if (isinstance(node, ast.Name) and node.id == "Any")
        or (isinstance(node, ast.Attribute) and node.attr == "Any")
        or (isinstance(node, ast.alias) and node.name == "Any")
    ]
    assert not uses


def _bodies(tree: ast.Module) -> Iterator[ast.stmt]:
    """Give the statements that run once, on import: of the module and of its classes."""
    waiting: list[ast.stmt] = list(tree.body)
    while waiting:
        statement = waiting.pop()
        yield statement
        for field in ("body", "orelse", "handlers", "finalbody"):
            if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                waiting += getattr(statement, field, [])


def _is_mutable(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Call):
        called = value.func.attr if isinstance(value.func, ast.Attribute) else None
        called = value.func.id if isinstance(value.func, ast.Name) else called
        return called in MUTABLE_CALLS
    return isinstance(value, MUTABLE_LITERALS)


def _is_constant(target: ast.expr, annotation: ast.expr | None) -> bool:
    if annotation is not None and "Final" in ast.unparse(annotation):
        return True
    return isinstance(target, ast.Name) and (target.id.isupper() or target.id.startswith("__"))


def _state(tree: ast.Module) -> Iterator[int]:
    """Give the lines that make state shared by everything in the process."""
    constants: set[str] = set()
    for statement in _bodies(tree):
        if isinstance(statement, ast.Assign):
            targets, annotation = statement.targets, None
        elif isinstance(statement, ast.AnnAssign):
            targets, annotation = [statement.target], statement.annotation
        else:
            continue
        for target in targets if _is_mutable(statement.value) else []:
            constants.update(n.id for n in ast.walk(target) if isinstance(n, ast.Name))
            if not _is_constant(target, annotation):
                yield statement.lineno
    for node in ast.walk(tree):
        if isinstance(node, ast.Global) or _mutates(node, constants):
            yield node.lineno


def _mutates(node: ast.AST, constants: set[str]) -> bool:
    """Tell whether the node changes one of the constants in place."""
    changed: ast.expr | None = None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        changed = node.func.value if node.func.attr in MUTATORS else None
    elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
        changed = node.value
    return isinstance(changed, ast.Name) and changed.id in constants


@_parameters("p2p", "cli", "simulations")
def test_no_state_is_shared_by_the_process(path: Path) -> None:
    lines = [f"{path}:{line}" for line in _state(_tree(path))]
    assert not lines


@pytest.mark.parametrize(
    "source",
    [
        "cache = {}",
        "seen: set[str] = set()",
        "import collections\nqueue = collections.deque()",
        "class Node:\n    peers = []",
        "class Node:\n    peers: dict[str, int] = dict()",
        "if True:\n    names = [n for n in 'ab']",
        "TABLE = {1: 2}\ndef f(): TABLE[3] = 4",
        "TABLE = {1: 2}\ndef f(): TABLE.pop(1)",
        "from typing import Final\n_table: Final = {}\ndef f(): _table[3] = 4",
        "count = 0\ndef f():\n    global count\n    count += 1",
    ],
)
def test_shared_state_is_found(source: str) -> None:
    assert list(_state(ast.parse(source)))


@pytest.mark.parametrize(
    "source",
    [
        "TABLE = {1: 2}",
        "from typing import Final\n_table: Final = {1: 2}",
        "__all__ = ['a']",
        "def f():\n    seen = []\n    seen.append(1)",
        "names = ('a', 'b')",
        "class Node:\n    def __init__(self):\n        self.peers = []",
    ],
)
def test_constants_and_locals_are_not_shared_state(source: str) -> None:
    assert not list(_state(ast.parse(source)))
