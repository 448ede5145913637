"""The order in which a Java HashMap of strings is walked, which decides The ONE's ties.

Source: the documented behaviour of ``java.util.HashMap`` since Java 8: buckets in order, entries of
a bucket in order of insertion, a table that doubles and never shrinks. A bucket of more than eight
entries in a table of 64 or more becomes a tree there; its entries stay in order of insertion here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

FIRST_CAPACITY: Final = 16
TREE_CAPACITY: Final = 64
"""From this table size on, a crowded bucket no longer makes the table grow."""
CROWDED: Final = 8
"""A table below TREE_CAPACITY doubles when an entry joins a bucket of so many."""


def string_hash(text: str) -> int:
    """Give Java's ``String.hashCode`` as an unsigned 32-bit number, over UTF-16 code units."""
    data = text.encode("utf-16-be", "surrogatepass")
    value = 0
    for high, low in zip(data[::2], data[1::2], strict=True):
        value = (31 * value + (high << 8 | low)) & 0xFFFFFFFF
    return value


def spread(text: str) -> int:
    """Give what HashMap makes of a key's hash; its low bits choose the bucket."""
    value = string_hash(text)
    return value ^ (value >> 16)


class TableSize:
    """How large the table of one HashMap has grown.

    Attributes:
        mask: capacity minus 1; ``spread & mask`` is a key's bucket.
        quiet_below: while the map holds fewer entries than this, :meth:`add` has nothing to do;
            0 while the table is so small that crowded buckets matter.
    """

    __slots__ = ("_buckets", "_threshold", "mask", "quiet_below")

    def __init__(self) -> None:
        self.mask = FIRST_CAPACITY - 1
        self._threshold = FIRST_CAPACITY * 3 // 4
        self._buckets: dict[int, int] | None = {}
        self.quiet_below = 0

    def add(self, key: int, size: int) -> bool:
        """Take note of a new entry; say whether the table grew, so that a recount is due.

        Args:
            key: spread hash of the new entry.
            size: entries in the map, the new one included.
        """
        before = self.mask
        buckets = self._buckets
        if buckets is not None:
            bucket = key & before
            count = buckets.get(bucket, 0)
            buckets[bucket] = count + 1
            if count >= CROWDED:
                self._grow()
        if size > self._threshold:
            self._grow()
        return self.mask != before

    def remove(self, key: int) -> None:
        """Take note that an entry is gone; the table stays as large as it is."""
        if self._buckets is not None:
            self._buckets[key & self.mask] -= 1

    def recount(self, keys: Iterable[int]) -> None:
        """Count the buckets anew after the table grew, from the spread hashes of all entries."""
        if self._buckets is None:
            return
        self._buckets = {}
        for key in keys:
            bucket = key & self.mask
            self._buckets[bucket] = self._buckets.get(bucket, 0) + 1

    def _grow(self) -> None:
        self.mask = self.mask * 2 + 1
        self._threshold *= 2
        if self.mask + 1 >= TREE_CAPACITY:
            self._buckets = None
            self.quiet_below = self._threshold + 1
