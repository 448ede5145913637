"""Commands that were given already: the same ``command_id`` never takes effect twice.

Bounded in number and in age, and gone with the process; docs/reference/control-api.md says so.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

import trio

from p2p.errors import Conflict, MolvaError

Outcome = TypeVar("Outcome")


class Entry(Generic[Outcome]):
    """One command, under way or settled."""

    __slots__ = ("_outcome", "_settled", "fingerprint", "made_s")

    def __init__(self, fingerprint: bytes, made_s: float) -> None:
        self.fingerprint = fingerprint
        self.made_s = made_s
        self._settled = trio.Event()
        self._outcome: Outcome | MolvaError | None = None

    def settle(self, outcome: Outcome | MolvaError) -> None:
        """Let everybody who waits have ``outcome``."""
        self._outcome = outcome
        self._settled.set()

    async def outcome(self) -> Outcome | MolvaError:
        """Wait for the outcome; no checkpoint where it is there."""
        if not self._settled.is_set():
            await self._settled.wait()
        assert self._outcome is not None, "settled without an outcome"
        return self._outcome


class CommandLedger(Generic[Outcome]):
    """Entries by command id. A refused command is forgotten, so that it may be tried again."""

    def __init__(self, entries_max: int, age_max_s: float, clock: Callable[[], float]) -> None:
        self._entries: OrderedDict[str, Entry[Outcome]] = OrderedDict()
        self._entries_max = entries_max
        self._age_max_s = age_max_s
        self._clock = clock

    def __len__(self) -> int:
        """Give how many commands are remembered."""
        return len(self._entries)

    def find(self, command_id: str, fingerprint: bytes) -> Entry[Outcome] | None:
        """Give the entry of a command that was given before, or None.

        Raises:
            Conflict: the id was used for another request.
        """
        self._forget_old()
        entry = self._entries.get(command_id)
        if entry is not None and entry.fingerprint != fingerprint:
            raise Conflict(f"The command id {command_id!r} was used for another request.")
        return entry

    def begin(self, command_id: str, fingerprint: bytes) -> Entry[Outcome]:
        """Remember a new command, making room where there is none."""
        entry = Entry[Outcome](fingerprint, self._clock())
        if command_id:
            self._entries[command_id] = entry
            if len(self._entries) > self._entries_max:
                self._entries.popitem(last=False)
        return entry

    def forget(self, command_id: str) -> None:
        """Forget a command that did not take effect."""
        self._entries.pop(command_id, None)

    def _forget_old(self) -> None:
        horizon_s = self._clock() - self._age_max_s
        while self._entries:
            entry = next(iter(self._entries.values()))
            if entry.made_s > horizon_s:
                return
            self._entries.popitem(last=False)
