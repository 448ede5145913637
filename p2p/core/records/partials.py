"""Bodies on their way: in memory until they are whole and hold, and never more than so much.

A body whose link breaks is kept for a while, so that it goes on where it stood, also from another
neighbour.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from p2p.errors import Malformed
from p2p.ports.store import RecordTier
from p2p.wire.ids import PeerId, RecordId
from p2p.wire.limits import RECORD_BODY_MAX_BYTES, RECORD_PART_SIZE_BYTES
from p2p.wire.record import RecordHeader

IDLE_MAX: Final = 64
"""Bodies begun that nobody is sending at present."""


@dataclass(slots=True)
class Partial:
    """What is here of one body.

    Attributes:
        givers: who sent some of it.
        single: it came from several and did not hold: from now on all of it from one.
        active: somebody is sending it.
    """

    header: RecordHeader
    data: bytearray = field(default_factory=bytearray)
    givers: dict[PeerId, None] = field(default_factory=dict[PeerId, None])
    single: bool = False
    active: bool = False

    @property
    def parts(self) -> int:
        """How many parts are here, so the number of the next one."""
        return len(self.data) // RECORD_PART_SIZE_BYTES

    @property
    def parts_all(self) -> int:
        """How many parts the whole body has."""
        return -(-self.header.size_bytes // RECORD_PART_SIZE_BYTES)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing."""
        return len(self.data) == self.header.size_bytes

    @property
    def cost_bytes(self) -> int:
        """What it takes of memory: all of it where it is being sent."""
        return self.header.size_bytes if self.active else len(self.data)

    def append(self, data: bytes, giver: PeerId) -> None:
        """Put the next part to its end.

        Raises:
            Malformed: longer or shorter than this part is.
        """
        missing = self.header.size_bytes - len(self.data)
        if len(data) != min(RECORD_PART_SIZE_BYTES, missing):
            raise Malformed("A part of a record's body of another size than it has.")
        self.data += data
        self.givers[giver] = None

    def restart(self) -> None:
        """Begin again, and with one giver only: what came from several did not hold."""
        self.data.clear()
        self.givers.clear()
        self.single = True


@dataclass(slots=True)
class Partials:
    """All bodies on their way, at most ``max_bytes`` together, announced sizes counted."""

    max_bytes: int
    _all: dict[RecordId, Partial] = field(default_factory=dict[RecordId, Partial])

    def is_active(self, record: RecordId) -> bool:
        """Tell whether somebody is sending this body."""
        partial = self._all.get(record)
        return partial is not None and partial.active

    def begin(
        self, record: RecordId, header: RecordHeader, giver: PeerId, tier: RecordTier
    ) -> Partial | None:
        """Make room for a body that ``giver`` is about to send; None where there is none.

        The last 4 MiB are contacts' nodes': strangers that send slowly cannot shut them out.
        """
        partial = self._all.pop(record, None) or Partial(header)
        if partial.single and giver not in partial.givers:
            partial.restart()
        reserve = 0 if tier is RecordTier.CONTACT else RECORD_BODY_MAX_BYTES
        room = self.max_bytes - reserve - header.size_bytes
        self._drop_idle(room)
        if self._used() > room:
            if partial.data:
                self._all[record] = partial
            return None
        self._all[record] = partial
        partial.active = True
        return partial

    def rest(self, record: RecordId) -> None:
        """Keep what is here of a body that nobody sends any more, as far as there is room."""
        partial = self._all.pop(record)
        if partial.data or partial.single:
            partial.active = False
            self._all[record] = partial
        idle = [r for r, other in self._all.items() if not other.active]
        if len(idle) > IDLE_MAX:
            del self._all[idle[0]]

    def forget(self, record: RecordId) -> None:
        """Drop what is here of a body; nothing happens where there is none."""
        self._all.pop(record, None)

    def _used(self) -> int:
        return sum(partial.cost_bytes for partial in self._all.values())

    def _drop_idle(self, room: int) -> None:
        """Drop bodies that nobody sends, the oldest first, until no more than ``room`` is used."""
        used = self._used()
        for record, partial in list(self._all.items()):
            if used > room and not partial.active:
                del self._all[record]
                used -= partial.cost_bytes
