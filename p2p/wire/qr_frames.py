"""Content as a few QR codes shown one after the other (docs/spec/credential-exchange.md).

For two devices without any link. One frame is a text of the QR code's alphanumeric characters:
``MF1/<id>/<index>/<count>/<check>/<part>``. The parts are base45 (RFC 9285), which packs two bytes
into three of those characters. A camera misses frames and sees others twice, in any order: they
are collected until every one is there.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Final

from p2p.errors import InvalidInput, Malformed
from p2p.wire.limits import ENVELOPE_SIZE_MAX_BYTES

PART_SIZE_BYTES: Final = 300
"""A QR code of version 13 or so at the lowest correction: a telephone reads it from a screen."""
FRAMES_MAX: Final = 256
FRAME_TEXT_MAX_CHARS: Final = 600
_ID_BYTES: Final = 8
_CHECK_BYTES: Final = 4
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUES: Final = {char: value for value, char in enumerate(_ALPHABET)}
_FRAME: Final = re.compile(r"MF1/([0-9A-F]{16})/(\d{1,3})/(\d{1,3})/([0-9A-F]{8})/(.*)", re.ASCII)


def make_frames(content: bytes) -> list[str]:
    """Give the texts of the frames, in their order.

    Raises:
        InvalidInput: too much for frames.
    """
    parts = [
        content[at : at + PART_SIZE_BYTES] for at in range(0, len(content), PART_SIZE_BYTES)
    ] or [b""]
    if len(parts) > FRAMES_MAX:
        raise InvalidInput(
            f"{len(content)} bytes are too many for QR codes: at most "
            f"{FRAMES_MAX * PART_SIZE_BYTES}. Show fewer elements."
        )
    id_ = hashlib.blake2b(content, digest_size=_ID_BYTES, person=b"molva frames").hexdigest()
    return [_frame(id_.upper(), index, len(parts), part) for index, part in enumerate(parts, 1)]


def collect_frames(frames: Iterable[str]) -> bytes:
    """Give the content of frames in any order, each once or more often.

    Raises:
        InvalidInput: a frame is missing, damaged, or of another series; the sentence says which.
    """
    parts: dict[int, bytes] = {}
    series: tuple[str, int] | None = None
    for text in frames:
        id_, index, count, part = _read_frame(text)
        if series is None:
            series = (id_, count)
        elif series != (id_, count):
            raise InvalidInput("These frames are of two different answers: scan one alone.")
        if parts.setdefault(index, part) != part:
            raise InvalidInput(f"Frame {index} was read twice, with different contents.")
    if series is None:
        raise InvalidInput("There is no frame: each begins with MF1/.")
    missing = [str(index) for index in range(1, series[1] + 1) if index not in parts]
    if missing:
        what = "Frame" if len(missing) == 1 else "Frames"
        shown = ", ".join(missing[:12]) + (", ..." if len(missing) > 12 else "")
        raise InvalidInput(f"{what} {shown} of {series[1]} not scanned yet.")
    content = b"".join(parts[index] for index in sorted(parts))
    whole = hashlib.blake2b(content, digest_size=_ID_BYTES, person=b"molva frames").hexdigest()
    if whole.upper() != series[0]:
        raise InvalidInput("The frames do not make a whole: scan them again.")
    return content


def _frame(id_: str, index: int, count: int, part: bytes) -> str:
    return f"MF1/{id_}/{index}/{count}/{_check(id_, index, count, part)}/{_base45(part)}"


def _read_frame(text: str) -> tuple[str, int, int, bytes]:
    found = _FRAME.fullmatch(text) if len(text) <= FRAME_TEXT_MAX_CHARS else None
    if found is None:
        raise InvalidInput(f"{text[:40]!r} is no frame of an answer.")
    id_, index, count = found[1], int(found[2]), int(found[3])
    if not 1 <= index <= count <= FRAMES_MAX:
        raise InvalidInput(f"A frame says that it is number {index} of {count}.")
    try:
        part = _from_base45(found[5])
    except Malformed as exc:
        raise InvalidInput(f"Frame {index} is damaged: scan it again.") from exc
    if found[4] != _check(id_, index, count, part):
        raise InvalidInput(f"Frame {index} is damaged: scan it again.")
    return id_, index, count, part


def _check(id_: str, index: int, count: int, part: bytes) -> str:
    head = f"{id_}/{index}/{count}/".encode("ascii")
    digest = hashlib.blake2b(head + part, digest_size=_CHECK_BYTES, person=b"molva frame")
    return digest.hexdigest().upper()


def _base45(data: bytes) -> str:
    """RFC 9285 section 4: two bytes are three characters, the least significant first."""
    text: list[str] = []
    for at in range(0, len(data), 2):
        pair = data[at : at + 2]
        number = int.from_bytes(pair, "big")
        for _ in range(len(pair) + 1):
            number, digit = divmod(number, 45)
            text.append(_ALPHABET[digit])
    return "".join(text)


def _from_base45(text: str) -> bytes:
    data = bytearray()
    for at in range(0, len(text), 3):
        group = text[at : at + 3]
        if len(group) == 1 or any(char not in _VALUES for char in group):
            raise Malformed("Not base45.")
        number = sum(_VALUES[char] * 45**place for place, char in enumerate(group))
        size = len(group) - 1
        if number >= 1 << (8 * size):
            raise Malformed("Not base45.")
        data += number.to_bytes(size, "big")
    return bytes(data)


assert FRAMES_MAX * PART_SIZE_BYTES > ENVELOPE_SIZE_MAX_BYTES
