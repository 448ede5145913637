"""Token buckets: what a neighbour may cost, charged before its bytes are decoded."""

from __future__ import annotations

from msgspec import Struct

from p2p.core.config import LinkConfig


class TokenBucket(Struct):
    """Refills at ``rate_per_s`` up to ``burst``; starts full.

    Attributes:
        tokens: what may be spent now.
        filled_s: the moment of the last refill, Unix seconds.
    """

    rate_per_s: float
    burst: float
    tokens: float
    filled_s: float

    def spend(self, amount: float, now_s: float) -> bool:
        """Take ``amount`` tokens; False, and nothing taken, where there are fewer."""
        tokens = self.tokens
        elapsed_s = now_s - self.filled_s
        if elapsed_s > 0.0:
            tokens += elapsed_s * self.rate_per_s
            if tokens > self.burst:
                tokens = self.burst
            self.filled_s = now_s
        enough = amount <= tokens
        self.tokens = tokens - amount if enough else tokens
        return enough


class Budget(Struct):
    """What one neighbour may send: bytes and frames."""

    size_bytes: TokenBucket
    frames: TokenBucket

    @classmethod
    def from_config(cls, config: LinkConfig, now_s: float) -> Budget:
        """Give a full budget."""
        return cls(
            TokenBucket(config.rate_bytes_per_s, config.burst_bytes, config.burst_bytes, now_s),
            TokenBucket(config.rate_frames_per_s, config.burst_frames, config.burst_frames, now_s),
        )

    def charge(self, size_bytes: int, now_s: float) -> bool:
        """Charge one frame; False where the neighbour has overdrawn."""
        return self.frames.spend(1.0, now_s) and self.size_bytes.spend(float(size_bytes), now_s)
