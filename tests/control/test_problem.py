"""Every error has its status and its title."""

from __future__ import annotations

from collections.abc import Iterator

from p2p.control.problem import STATUS_AND_TITLE, internal_problem, problem_of
from p2p.errors import CredentialError, MolvaError, RequestRefused


def _kinds(kind: type[MolvaError] = MolvaError) -> Iterator[type[MolvaError]]:
    yield kind
    for child in kind.__subclasses__():
        if child.__module__.startswith("p2p."):
            yield from _kinds(child)


def test_every_error_is_a_problem() -> None:
    for kind in _kinds():
        if kind is RequestRefused:
            error: MolvaError = RequestRefused("busy", 503, "A sentence.")
        elif kind is CredentialError:
            error = CredentialError("rule", "A sentence.")
        else:
            error = kind("A sentence.")
        problem = problem_of(error, "/v1/x")
        assert error.code in STATUS_AND_TITLE, f"{kind.__name__} has no status"
        assert problem.type == f"molva:{error.code}"
        assert problem.code == error.code
        assert (problem.status, problem.title) == STATUS_AND_TITLE[error.code]
        assert problem.detail == "A sentence."
        assert 400 <= problem.status < 600


def test_a_refusal_may_have_a_status_of_its_own() -> None:
    assert problem_of(RequestRefused("access-denied", 401, "x")).status == 401


def test_a_bug_tells_nothing_of_itself() -> None:
    problem = internal_problem("/v1/x")
    assert (problem.status, problem.code) == (500, "internal-error")
