"""Frames on a byte stream: a 4-byte big-endian length, then that many bytes.

Pure: bytes in, frames out. The largest frame is a protocol constant, so a hostile length is known
for what it is after four bytes and before anything is stored. See docs/spec/link-transport.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from p2p.errors import LimitExceeded
from p2p.wire.limits import FRAME_LENGTH_PREFIX_BYTES, FRAME_SIZE_MAX_BYTES

WRITE_SIZE_MAX_BYTES: Final = 16_384
"""One write to a stream; py-libp2p loses connections on longer ones over small segments."""
UNREAD_MAX_BYTES: Final = 4 * 1_048_576
"""What a neighbour may leave here unread before it is dropped. Four times the credit that the core
grants by default, so an honest one never comes near; a hundred hostile ones cost 400 MiB."""
FRAME_OVERHEAD_BYTES: Final = 64
"""What Python spends on a waiting frame beside its bytes: empty frames are not free."""


def unread_size(frame: bytes) -> int:
    """Give what one frame costs while it waits, in bytes."""
    return len(frame) + FRAME_OVERHEAD_BYTES


def writes(frames: Iterable[bytes]) -> list[bytes]:
    """Give what to write for ``frames``: as few pieces as may be, none above the write size.

    A frame may be cut over several pieces; the pieces together are the frames in order.
    """
    joined = b"".join(piece for frame in frames for piece in (_prefix(frame), frame))
    step = WRITE_SIZE_MAX_BYTES
    return [joined[start : start + step] for start in range(0, len(joined), step)]


def _prefix(frame: bytes) -> bytes:
    assert len(frame) <= FRAME_SIZE_MAX_BYTES, f"a frame of {len(frame)} bytes is our own mistake"
    return len(frame).to_bytes(FRAME_LENGTH_PREFIX_BYTES, "big")


class FrameSplitter:
    """Cuts a stream of bytes into frames.

    Holds at most one unfinished frame between calls. After LimitExceeded it must not be used.
    """

    def __init__(self) -> None:
        self._rest = b""

    @property
    def unfinished(self) -> bool:
        """Whether a frame has begun that is not here whole."""
        return bool(self._rest)

    def feed(self, data: bytes) -> list[bytes]:
        """Give the frames that ``data`` completes, in order; possibly none.

        Raises:
            LimitExceeded: the neighbour announced a frame longer than frames may be.
        """
        held = self._rest + data if self._rest else data
        frames: list[bytes] = []
        at = 0
        end = len(held)
        while end - at >= FRAME_LENGTH_PREFIX_BYTES:
            body = at + FRAME_LENGTH_PREFIX_BYTES
            size = int.from_bytes(held[at:body], "big")
            if size > FRAME_SIZE_MAX_BYTES:
                raise LimitExceeded(
                    f"The neighbour announced a frame of {size} bytes; "
                    f"the longest has {FRAME_SIZE_MAX_BYTES}."
                )
            if end - body < size:
                break
            at = body + size
            frames.append(held[body:at])
        self._rest = held[at:]
        return frames
