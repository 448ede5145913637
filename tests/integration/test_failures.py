"""A sentence for what we foresee; never one for a bug."""

from __future__ import annotations

import pytest

from p2p.daemon.failures import ExitCode, foreseen, tell
from p2p.errors import LinkFailed, MolvaError, NodeNotRunning, StoreFull, TimedOut


def test_a_failure_inside_groups_is_found() -> None:
    full = StoreFull("full")
    group = ExceptionGroup("nursery", [ExceptionGroup("nursery", [full]), LinkFailed("also")])
    assert foreseen(full) is full
    assert foreseen(group) is full


def test_a_bug_beside_a_failure_is_not_hidden() -> None:
    group = ExceptionGroup("nursery", [StoreFull("full"), ExceptionGroup("n", [KeyError("bug")])])
    assert foreseen(group) is None
    assert foreseen(KeyError("bug")) is None


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StoreFull("a"), ExitCode.FAILED),
        (NodeNotRunning("a"), ExitCode.NOT_RUNNING),
        (TimedOut("a"), ExitCode.TIMED_OUT),
    ],
)
def test_the_exit_code_says_what_kind(
    error: MolvaError, code: ExitCode, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tell(error) == code
    assert capsys.readouterr().err == "molva: a\n"
