"""Safety: what no run may do at any moment, by the lines that its world tells.

Nothing is delivered twice, unless the recipient lost its memory between; nothing is delivered that
was not sent, or to anybody else; nobody keeps more for others than it has room for, twice, or past
the end of a lifetime; sprayed copies are never more than a message began with; a message comes over
a link that lasted from its first byte to its last; and what was taken into custody is there until a
reason is given.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from simulations.checkers.finding import FINDINGS_MAX, Finding
from simulations.holdings import Holdings
from simulations.observer import Field
from simulations.trace import Creation


class Safety:
    """An observer that judges each line before the books change.

    Args:
        creations: everything that anybody sends.
        holdings: the books; they are kept by this checker, which passes each line on to them.
        buffer_bytes: what each node may keep for others.
        ttl_s: lifetime of all messages.
        copies: the most copies of a message, where the router counts them; None where it does not.
    """

    def __init__(
        self,
        creations: Sequence[Creation],
        holdings: Holdings,
        buffer_bytes: int,
        ttl_s: float,
        copies: int | None,
    ) -> None:
        self.findings: list[Finding] = []
        self._holdings = holdings
        self._known = {creation.name: creation for creation in creations}
        self._buffer_bytes = buffer_bytes
        self._ttl_s = ttl_s
        self._copies = copies
        self._created: set[str] = set()
        self._inbox: dict[int, set[str]] = {}
        self._others_bytes: dict[int, int] = {}
        self._shares: dict[str, dict[int, int]] = {}
        self._own: dict[int, set[str]] = {}
        self._links: dict[tuple[int, int], float] = {}
        self._begun: dict[tuple[int, int], tuple[str, float]] = {}
        self._judges: dict[str, Callable[[float, int, tuple[Field, ...]], None]] = {
            "created": self._create,
            "kept": self._keep,
            "delivered": self._deliver,
            "dropped": self._drop,
            "forgot": self._forget,
            "link-up": self._link,
            "link-down": self._unlink,
            "sent": self._send,
            "relayed": self._relay,
        }

    def note(self, time_s: float, node: int, kind: str, fields: tuple[Field, ...]) -> None:
        """Judge one line, then book it."""
        judge = self._judges.get(kind)
        if judge is not None:
            judge(time_s, node, fields)
        self._holdings.note(time_s, node, kind, fields)

    def compare(self, time_s: float, node: int, present: set[str]) -> None:
        """Hold what a node has at the end against the books: `Taken` is never lost."""
        booked = self._holdings.held.get(node, {})
        for message in booked:
            if message not in present:
                self._find(time_s, node, f"message {message} was taken, and is gone without cause.")
        for message in sorted(present - booked.keys()):
            self._find(time_s, node, f"message {message} is in custody, and was never taken.")

    def _find(self, time_s: float, node: int, sentence: str) -> None:
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(Finding(time_s, node, "safety", sentence))

    def _create(self, time_s: float, node: int, fields: tuple[Field, ...]) -> None:
        message = str(fields[0])
        creation = self._known.get(message)
        if creation is None or creation.source != node or message in self._created:
            self._find(time_s, node, f"message {message} was created, and nobody wrote it.")
        self._created.add(message)
        self._shares[message] = {node: self._copies or 0}
        self._own.setdefault(node, set()).add(message)

    def _keep(self, time_s: float, node: int, fields: tuple[Field, ...]) -> None:
        message = str(fields[0])
        creation = self._known.get(message)
        if creation is None or message not in self._created:
            self._find(time_s, node, f"message {message} was taken, and nobody sent it.")
            return
        if self._holdings.holds(node, message):
            self._find(time_s, node, f"message {message} was taken twice.")
            return
        if time_s > creation.time_s + self._ttl_s:
            self._find(time_s, node, f"message {message} was taken after the end of its lifetime.")
        if message not in self._own.get(node, ()):
            filled = self._others_bytes.get(node, 0) + creation.size_bytes
            self._others_bytes[node] = filled
            if filled > self._buffer_bytes:
                sentence = f"{filled} bytes are kept for others, of {self._buffer_bytes} allowed."
                self._find(time_s, node, sentence)
        self._count(time_s, node, message, int(fields[1]), int(fields[2]), int(fields[3]))

    def _count(
        self, time_s: float, node: int, message: str, giver: int, copies: int, left: int
    ) -> None:
        """Count a sprayed message's copies: they are never more than it began with."""
        if self._copies is None:
            return
        shares = self._shares.setdefault(message, {})
        if giver in shares:
            shares[giver] = left
        shares[node] = copies
        total = sum(shares.values())
        if total > self._copies:
            sentence = f"there are {total} copies of message {message}, of {self._copies} allowed."
            self._find(time_s, node, sentence)

    def _deliver(self, time_s: float, node: int, fields: tuple[Field, ...]) -> None:
        message = str(fields[0])
        creation = self._known.get(message)
        inbox = self._inbox.setdefault(node, set())
        if creation is None or message not in self._created:
            self._find(time_s, node, f"message {message} was delivered, and nobody sent it.")
        elif creation.destination != node:
            self._find(time_s, node, f"message {message} was delivered to the wrong node.")
        elif message in inbox:
            self._find(time_s, node, f"message {message} was delivered twice.")
        elif time_s > creation.time_s + self._ttl_s:
            self._find(time_s, node, f"message {message} was delivered after its lifetime.")
        inbox.add(message)

    def _drop(self, time_s: float, node: int, fields: tuple[Field, ...]) -> None:
        message, why = str(fields[0]), str(fields[1])
        if why == "swallowed":
            return
        if not self._holdings.holds(node, message):
            self._find(time_s, node, f"message {message} was dropped, and was not there.")
            return
        self._shares.get(message, {}).pop(node, None)
        creation = self._known.get(message)
        if creation is not None and message not in self._own.get(node, ()):
            self._others_bytes[node] = self._others_bytes.get(node, 0) - creation.size_bytes
            return
        if why == "evicted":
            self._find(time_s, node, f"own message {message} was evicted.")

    def _link(self, time_s: float, node: int, fields: tuple[Field, ...]) -> None:
        self._links[_pair(node, int(fields[0]))] = time_s

    def _unlink(self, time_s: float, node: int, fields: tuple[Field, ...]) -> None:
        del time_s
        self._links.pop(_pair(node, int(fields[0])), None)

    def _send(self, time_s: float, node: int, fields: tuple[Field, ...]) -> None:
        self._begun[node, int(fields[1])] = str(fields[0]), time_s

    def _relay(self, time_s: float, node: int, fields: tuple[Field, ...]) -> None:
        message, source = str(fields[0]), int(fields[1])
        sent, begun_s = self._begun.pop((source, node), ("", 0.0))
        if sent != message or self._links.get(_pair(source, node), math.inf) > begun_s:
            sentence = f"message {message} came from node {source}, and no link lasted all its way."
            self._find(time_s, node, sentence)

    def _forget(self, time_s: float, node: int, fields: tuple[Field, ...]) -> None:
        del time_s, fields
        for message in self._holdings.held.get(node, ()):
            self._shares.get(message, {}).pop(node, None)
        self._others_bytes.pop(node, None)
        self._inbox.pop(node, None)
        self._own.pop(node, None)


def _pair(first: int, second: int) -> tuple[int, int]:
    return (first, second) if first < second else (second, first)
