"""Strikes: a misbehaving neighbour is sent away for a while, never for good: peers are rare."""

from __future__ import annotations

from dataclasses import dataclass, field

from p2p.core.config import LinkConfig
from p2p.wire.ids import PeerId

REMEMBERED_MAX = 1_024
"""Peers whose misdeeds are remembered; the oldest is forgiven first."""


@dataclass(slots=True)
class _Record:
    strikes: int = 0
    banishments: int = 0


@dataclass(slots=True)
class Reputation:
    """Counts strikes per peer across links."""

    config: LinkConfig
    _records: dict[PeerId, _Record] = field(default_factory=dict[PeerId, _Record])

    def strike(self, peer: PeerId) -> float:
        """Count a misdeed; give how long to send the peer away (s), 0.0 while it may stay."""
        record = self._record(peer)
        record.strikes += 1
        if record.strikes < self.config.strikes_max:
            return 0.0
        return self.banish(peer)

    def banish(self, peer: PeerId) -> float:
        """Give how long to send the peer away (s); twice as long as the last time."""
        record = self._record(peer)
        record.strikes = 0
        wait_s = self.config.back_off_first_s * 2.0 ** min(record.banishments, 16)
        record.banishments += 1
        return min(wait_s, self.config.back_off_max_s)

    def _record(self, peer: PeerId) -> _Record:
        record = self._records.pop(peer, None) or _Record()
        self._records[peer] = record
        if len(self._records) > REMEMBERED_MAX:
            del self._records[next(iter(self._records))]
        return record
