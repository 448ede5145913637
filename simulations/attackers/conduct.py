"""How dishonest nodes of the abstract world treat what others give them to carry."""

from __future__ import annotations

from collections.abc import Sequence

from simulations.abstract.world import Conduct
from simulations.rng import stream_seed
from simulations.scenario.troubles import Attacker, BlackHole, CopiesLiar, GreyHole, Sybil


class Dropping:
    """Keeps only some messages; which ones depends on the seed, the node and their names alone."""

    def __init__(self, drop_share: float, seed: int, node: int) -> None:
        self._limit = drop_share * 2.0**64
        self._seed, self._node = seed, node

    def keeps(self, message: str) -> bool:
        """As its luck with this message is."""
        return stream_seed(self._seed, "grey-hole", self._node, message) >= self._limit

    def copies(self, given: int) -> int:
        """The truth."""
        return given


class Boasting:
    """Keeps what it takes, and claims to have been given more copies than it was."""

    def __init__(self, claim: int) -> None:
        self._claim = claim

    def keeps(self, message: str) -> bool:
        """All of it."""
        del message
        return True

    def copies(self, given: int) -> int:
        """Its claim, unless the truth is more."""
        return max(given, self._claim)


class Together:
    """Several ways of cheating in one node."""

    def __init__(self, ways: Sequence[Conduct]) -> None:
        self._ways = tuple(ways)

    def keeps(self, message: str) -> bool:
        """Only what all of them would keep."""
        return all(way.keeps(message) for way in self._ways)

    def copies(self, given: int) -> int:
        """The largest claim."""
        return max(way.copies(given) for way in self._ways)


def conduct_of(roles: Sequence[Attacker], seed: int, node: int) -> Conduct | None:
    """Give how a node with these roles behaves; None for honest custody."""
    ways: list[Conduct] = []
    for role in roles:
        match role:
            case BlackHole():
                ways.append(Dropping(1.0, seed, node))
            case GreyHole():
                ways.append(Dropping(role.drop_share, seed, node))
            case Sybil() if role.conduct == "black-hole":
                ways.append(Dropping(1.0, seed, node))
            case CopiesLiar():
                ways.append(Boasting(role.claim))
            case _:
                continue
    return Together(ways) if ways else None
