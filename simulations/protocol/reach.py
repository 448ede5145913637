"""Who is within whose reach, and which two may have a link just now."""

from __future__ import annotations

from simulations.trace import ContactChange


class Reach:
    """Contacts that are up, radios that are jammed, and neighbours that were sent away."""

    def __init__(self, nodes: int) -> None:
        self._near: list[dict[int, None]] = [{} for _ in range(nodes)]
        self._jammed = [False] * nodes
        self._away_until_s: dict[tuple[int, int], float] = {}

    def change(self, change: ContactChange) -> None:
        """Take note of a contact's begin or end."""
        first, second = change.first, change.second
        if change.up and first != second:
            self._near[first][second] = None
            self._near[second][first] = None
        elif not change.up:
            self._near[first].pop(second, None)
            self._near[second].pop(first, None)

    def jam(self, node: int, *, on: bool) -> None:
        """Take note that a radio is useless, or works again."""
        self._jammed[node] = on

    def send_away(self, first: int, second: int, until_s: float) -> None:
        """Take note that one of two wants no link with the other for a while."""
        pair = (min(first, second), max(first, second))
        self._away_until_s[pair] = max(until_s, self._away_until_s.get(pair, 0.0))

    def near(self, node: int) -> list[int]:
        """Give who is within reach, in the order of their coming."""
        return list(self._near[node])

    def allows(self, first: int, second: int, now_s: float) -> bool:
        """Tell whether the two could have a link, if both run."""
        if second not in self._near[first] or self._jammed[first] or self._jammed[second]:
            return False
        pair = (min(first, second), max(first, second))
        return now_s >= self._away_until_s.get(pair, 0.0)
