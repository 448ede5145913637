from __future__ import annotations

from collections.abc import Callable

import pytest

from p2p.sessions.suite import Suite
from p2p.sessions.x3dh_suite import X3dhSuite
from simulations.standin_suite import InsecureStandinSuite
from tests.sessions.fakes import Person, SeededEntropy


@pytest.fixture(params=["real", "stand-in"])
def people(request: pytest.FixtureRequest) -> Callable[[int], list[Person]]:
    """Makes people who share nothing but the kind of their suite."""

    def suite(seed: int) -> Suite:
        if request.param == "real":
            return X3dhSuite()
        return InsecureStandinSuite(SeededEntropy(1_000 + seed))

    return lambda count: [Person(seed, suite(seed)) for seed in range(count)]


@pytest.fixture
def crowd() -> Callable[[int], list[Person]]:
    """Makes people on the stand-in suite, for tests of bounds that need many messages."""
    return lambda count: [
        Person(seed, InsecureStandinSuite(SeededEntropy(1_000 + seed))) for seed in range(count)
    ]
