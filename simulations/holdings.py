"""Who holds what, by what a world tells of itself: the checkers' own books, beside the world's."""

from __future__ import annotations

from collections import Counter

from simulations.observer import Field
from simulations.trace import Creation


class Holdings:
    """An observer that keeps the books of custody, and how each message was lost.

    Attributes:
        held: by node, the messages in its custody, each with what it holds of them.
        holders: by message, how many nodes hold it; absent once nobody does.
        lost_why: by message, why the last copy went.
        counts: how often each kind of line came; drops by reason, as ``dropped evicted``.
        bytes_on_air: of completed transfers (abstract) or of frames (protocol).
        buffered_bytes: what all custody holds together.
    """

    def __init__(self, creations: list[Creation]) -> None:
        self.size_bytes = {creation.name: creation.size_bytes for creation in creations}
        self.held: dict[int, dict[str, int]] = {}
        self.holders: dict[str, int] = {}
        self.lost_why: dict[str, str] = {}
        self.counts: Counter[str] = Counter()
        self.bytes_on_air = self.buffered_bytes = 0
        self.links = self.nodes_down = 0
        self._do = {
            "created": self._created,
            "kept": self._kept,
            "dropped": self._dropped,
            "forgot": self._forgot,
            "relayed": self._relayed,
            "frame": self._framed,
            "link-up": self._linked,
            "link-down": self._unlinked,
            "crashed": self._crashed,
            "restarted": self._restarted,
        }

    def note(self, time_s: float, node: int, kind: str, fields: tuple[Field, ...]) -> None:
        """Book one line."""
        del time_s
        self.counts[kind] += 1
        do = self._do.get(kind)
        if do is not None:
            do(node, fields)

    def holds(self, node: int, message: str) -> bool:
        """Tell whether a message is in a node's custody."""
        return message in self.held.get(node, ())

    def _created(self, node: int, fields: tuple[Field, ...]) -> None:
        self._add(node, str(fields[0]), 0)

    def _kept(self, node: int, fields: tuple[Field, ...]) -> None:
        self._add(node, str(fields[0]), int(fields[2]))

    def _add(self, node: int, message: str, copies: int) -> None:
        mine = self.held.setdefault(node, {})
        if message not in mine:
            self.holders[message] = self.holders.get(message, 0) + 1
            self.buffered_bytes += self.size_bytes.get(message, 0)
        mine[message] = copies

    def _dropped(self, node: int, fields: tuple[Field, ...]) -> None:
        message, why = str(fields[0]), str(fields[1])
        self.counts[f"dropped {why}"] += 1
        self._remove(node, message, why)

    def _remove(self, node: int, message: str, why: str) -> None:
        mine = self.held.get(node)
        if mine is None or mine.pop(message, None) is None:
            return
        self.buffered_bytes -= self.size_bytes.get(message, 0)
        self.holders[message] -= 1
        if not self.holders[message]:
            del self.holders[message]
            self.lost_why[message] = why

    def _forgot(self, node: int, fields: tuple[Field, ...]) -> None:
        del fields
        for message in list(self.held.get(node, ())):
            self._remove(node, message, "forgotten")

    def _relayed(self, node: int, fields: tuple[Field, ...]) -> None:
        del node
        self.bytes_on_air += int(fields[2])

    def _framed(self, node: int, fields: tuple[Field, ...]) -> None:
        del node
        self.bytes_on_air += int(fields[1])

    def _linked(self, node: int, fields: tuple[Field, ...]) -> None:
        del node, fields
        self.links += 1

    def _unlinked(self, node: int, fields: tuple[Field, ...]) -> None:
        del node, fields
        self.links -= 1

    def _crashed(self, node: int, fields: tuple[Field, ...]) -> None:
        del node, fields
        self.nodes_down += 1

    def _restarted(self, node: int, fields: tuple[Field, ...]) -> None:
        del node, fields
        self.nodes_down -= 1
