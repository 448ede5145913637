"""The compressed bit array of a status list, inflated within bounds and kept small.

Inflating is counted page by page, so that a bomb costs no more than the allowed size. The first
pages stay as they are, which makes a list of a million entries answer at memory speed; later
pages are packed again one by one, so that a hundred million entries need little more memory
than they had bytes on the wire. Source: Token Status List draft-20 section 4.1.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

from p2p.credentials import limits
from p2p.credentials.rules import STATUS_BITS, STATUS_INDEX, STATUS_SIZE, STATUS_STREAM, refused

ALLOWED_BITS: Final = frozenset({1, 2, 4, 8})
_PACK_LEVEL: Final = 1
_HEADER_BYTES: Final = 2
"""What a zlib stream has before its deflate stream (RFC 1950)."""


class StatusBits:
    """A read-only array of statuses of 1, 2, 4 or 8 bits each."""

    def __init__(self, bits: int, compressed: bytes) -> None:
        """Inflate and check a compressed array.

        Raises:
            CredentialError: rules ``status-bits``, ``status-size`` or ``status-stream``.
        """
        if isinstance(bits, bool) or bits not in ALLOWED_BITS:
            raise refused(STATUS_BITS, f"A status of {bits} bits is not possible.")
        self.bits = bits
        self._pages: list[bytes] = []
        self._size_bytes = 0
        self._hot_number: int = -1
        self._hot_page = b""
        for page in _inflate(compressed):
            number = len(self._pages)
            if number == limits.STATUS_DENSE_PAGES:
                _require_bounded(compressed)  # a bomb ends here, before a page of it is packed
            dense = number < limits.STATUS_DENSE_PAGES
            self._pages.append(page if dense else zlib.compress(page, _PACK_LEVEL))
            self._size_bytes += len(page)

    def __len__(self) -> int:
        """How many statuses the array has room for."""
        return self._size_bytes * 8 // self.bits

    @property
    def held_bytes(self) -> int:
        """How much memory the pages take."""
        return sum(map(len, self._pages)) + len(self._hot_page)

    def at(self, index: int) -> int:
        """The status at an index; the lowest bits of a byte come first.

        Raises:
            CredentialError: rule ``status-index``.
        """
        if not 0 <= index < len(self):
            raise refused(STATUS_INDEX, f"Index {index} is outside a list of {len(self)}.")
        position, offset = divmod(index * self.bits, 8)
        number, inside = divmod(position, limits.STATUS_PAGE_BYTES)
        return (self._page(number)[inside] >> offset) & ((1 << self.bits) - 1)

    def _page(self, number: int) -> bytes:
        if number < limits.STATUS_DENSE_PAGES:
            return self._pages[number]
        if number != self._hot_number:
            self._hot_page = zlib.decompress(self._pages[number])
            self._hot_number = number
        return self._hot_page


def _require_bounded(compressed: bytes) -> None:
    """Refuse a stream that inflates to more than is allowed, without keeping what it gives.

    The checksum is not computed here, which takes as long as inflating: who reads the stream
    in full checks it then.
    """
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    rest, total = compressed[_HEADER_BYTES:], 0
    try:
        while not stream.eof:
            part = stream.decompress(rest, limits.STATUS_PAGE_BYTES)
            if not part and not stream.eof and rest == stream.unconsumed_tail:
                return  # ends too early, as its reader will find
            rest = stream.unconsumed_tail
            total += len(part)
            if total > limits.STATUS_INFLATED_MAX_BYTES:
                raise refused(STATUS_SIZE, "A status list inflates to more than is allowed.")
    except zlib.error as exc:
        raise refused(STATUS_STREAM, "A status list is not a zlib stream.") from exc


def _inflate(compressed: bytes) -> Iterator[bytes]:
    """Full pages of the inflated array, the last one possibly shorter."""
    stream = zlib.decompressobj()
    rest, page, total = compressed, b"", 0
    try:
        while not stream.eof:
            part = stream.decompress(rest, limits.STATUS_PAGE_BYTES - len(page))
            if not part and not stream.eof and rest == stream.unconsumed_tail:
                raise refused(STATUS_STREAM, "A status list ends before its stream does.")
            rest = stream.unconsumed_tail
            total += len(part)
            if total > limits.STATUS_INFLATED_MAX_BYTES:
                raise refused(STATUS_SIZE, "A status list inflates to more than is allowed.")
            page += part
            if len(page) == limits.STATUS_PAGE_BYTES:
                yield page
                page = b""
    except zlib.error as exc:
        raise refused(STATUS_STREAM, "A status list is not a zlib stream.") from exc
    if stream.unused_data:
        raise refused(STATUS_STREAM, "A status list is followed by other bytes.")
    if page:
        yield page
