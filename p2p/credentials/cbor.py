"""Strict CBOR that remembers original bytes.

A general decoder keeps the last of two equal keys and ignores what follows the value; both let
two readers see two documents in one. This one refuses them, counts items before building them,
and returns every embedded value (tag 24) together with the very bytes that the issuer or the
device hashed, so that nothing is ever hashed after re-encoding.

Policy (RFC 8949 section 3): well-formed and valid data in any width and with definite or
indefinite length is read, since wallets differ and digests are over the received bytes; map keys
are integers, text or bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import msgspec

from p2p.credentials import limits
from p2p.credentials.rules import DEPTH, DUPLICATE, ENCODING, LENGTH, SHAPE, TRAILING, refused
from p2p.errors import CredentialError


class Embedded(msgspec.Struct, frozen=True):
    """A CBOR value wrapped in a byte string under tag 24.

    ``raw`` are the original bytes from the tag to the end of the byte string; ``content`` is
    what the byte string holds.
    """

    raw: bytes
    content: bytes


class Tagged(msgspec.Struct, frozen=True):
    """A value under any other tag, not interpreted here."""

    number: int
    value: CborValue


@dataclass(frozen=True, slots=True)
class Simple:
    """A simple value without a meaning of its own here, ``undefined`` (23) among them."""

    number: int


CborKey: TypeAlias = "int | str | bytes"
CborScalar: TypeAlias = "bool | int | float | str | bytes | Simple | None"
CborValue: TypeAlias = "CborScalar | Embedded | Tagged | list[CborValue] | dict[CborKey, CborValue]"
CborMap: TypeAlias = "dict[CborKey, CborValue]"

EMBEDDED_TAG: Final = 24
_INDEFINITE: Final = -1
_BREAK: Final = 0xFF
_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG = range(7)
_SPECIAL: Final = 7 << 5
_FLOATS: Final = {25: (">e", 2), 26: (">f", 4), 27: (">d", 8)}


def decode(data: bytes, what: str, items_max: int = limits.CBOR_ITEMS_MAX) -> CborValue:
    """The one value that the bytes encode.

    Raises:
        CredentialError: rules ``encoding``, ``duplicate-member``, ``trailing-bytes``, ``depth``
            or ``length``.
    """
    # An item takes a byte at least, so only more bytes than that can have too many of them.
    reader = (
        _Reader(data, what) if len(data) <= items_max else _CountingReader(data, what, items_max)
    )
    try:
        value = reader.item(0)
    except UnicodeDecodeError as exc:
        raise refused(ENCODING, f"{what} is not CBOR: text is not UTF-8.") from exc
    if reader.position != len(data):
        raise refused(TRAILING, f"{what} is followed by other bytes.")
    return value


def decode_map(data: bytes, what: str, items_max: int = limits.CBOR_ITEMS_MAX) -> CborMap:
    """The one map that the bytes encode; raises as :func:`decode`, or by rule ``shape``."""
    value = decode(data, what, items_max)
    if not isinstance(value, dict):
        raise refused(SHAPE, f"{what} is not a CBOR map.")
    return value


def encode_head(major: int, argument: int) -> bytes:
    """The shortest initial bytes for a major type and its argument."""
    initial = major << 5
    if argument < 24:
        return bytes((initial | argument,))
    if argument < 1 << 8:
        return bytes((initial | 24, argument))
    for code, width in ((25, 2), (26, 4), (27, 8)):
        if argument < 1 << (8 * width):
            return bytes((initial | code,)) + argument.to_bytes(width, "big")
    raise ValueError("A CBOR argument has at most 64 bits.")


def encode_bytes(data: bytes) -> bytes:
    """A byte string."""
    return encode_head(_BYTES, len(data)) + data


def encode_text(text: str) -> bytes:
    """A text string."""
    data = text.encode("utf-8")
    return encode_head(_TEXT, len(data)) + data


def encode_array(items: Sequence[bytes]) -> bytes:
    """An array of items that are encoded already."""
    return encode_head(_ARRAY, len(items)) + b"".join(items)


def encode_embedded(content: bytes) -> bytes:
    """An encoded value wrapped in a byte string under tag 24."""
    return encode_head(_TAG, EMBEDDED_TAG) + encode_bytes(content)


def encode(value: CborValue) -> bytes:
    """A value of ours in its shortest form, map members in the order of the map.

    What :func:`decode` gives is read back as the same value; floats take eight bytes.
    """
    match value:
        case bool() | None:
            return bytes((_SPECIAL | (22 if value is None else 20 + value),))
        case int():
            return encode_head(_UNSIGNED, value) if value >= 0 else encode_head(_NEGATIVE, ~value)
        case float():
            return b"\xfb" + struct.pack(">d", value)
        case str():
            return encode_text(value)
        case bytes():
            return encode_bytes(value)
        case list():
            return encode_array([encode(item) for item in value])
        case dict():
            members = [encode(name) + encode(item) for name, item in value.items()]
            return encode_head(_MAP, len(members)) + b"".join(members)
        case _:
            return _encode_special(value)


def _encode_special(value: Embedded | Tagged | Simple) -> bytes:
    match value:
        case Embedded():
            return value.raw
        case Tagged():
            return encode_head(_TAG, value.number) + encode(value.value)
        case _:
            short = value.number < 24
            return bytes((_SPECIAL | value.number,) if short else (_SPECIAL | 24, value.number))


def is_integer(value: CborValue, wanted: int) -> bool:
    """Whether a value is this integer, and not a float or a truth that equals it."""
    return isinstance(value, int) and not isinstance(value, bool) and value == wanted


_KEY_TYPES: Final = (str, int, bytes)
_LENGTH_FOLLOWS, _NO_SHORT_STRING = -1, -2
_SHORT_STRINGS: Final[tuple[int, ...]] = tuple(
    _NO_SHORT_STRING
    if initial >> 5 not in (_BYTES, _TEXT) or initial & 0x1F > 24
    else (initial & 0x1F if initial & 0x1F < 24 else _LENGTH_FOLLOWS)
    for initial in range(256)
)
"""By first byte: the length of a string that tells it there, or that the next byte tells it."""


class _Reader:
    """One pass over the bytes; the position only moves forward."""

    __slots__ = ("_data", "_size", "_what", "position")

    def __init__(self, data: bytes, what: str) -> None:
        self._data = data
        self._size = len(data)
        self._what = what
        self.position: int = 0

    def item(self, depth: int) -> CborValue:
        """The next value.

        Raises:
            UnicodeDecodeError: a text is not UTF-8.
        """
        start = self.position
        if start >= self._size:
            raise self._ended()
        data = self._data
        initial = data[start]
        begin = start + 1
        if initial < 24:
            self.position = begin
            return initial
        length = _SHORT_STRINGS[initial]
        if length < 0:
            if length == _NO_SHORT_STRING or begin >= self._size:
                self.position = begin
                return self._long(initial >> 5, initial & 0x1F, start, depth)
            length = data[begin]
            begin += 1
        end = begin + length
        self.position = end
        if end > self._size:
            raise self._ended()
        return data[begin:end] if initial < _TEXT << 5 else data[begin:end].decode()

    def _long(self, major: int, argument: int, start: int, depth: int) -> CborValue:
        """A value that is no small number and no short string; the first byte is read."""
        if argument >= 24 and major <= _TAG:
            argument = self._argument(major, argument)
        if major == _MAP:
            return self._map(argument, depth + 1)
        if major == _TAG:
            return self._tagged(argument, start, depth + 1)
        if major == _ARRAY:
            return self._array(argument, depth + 1)
        if major == _BYTES:
            return self._string(_BYTES, argument)
        if major == _TEXT:
            return self._string(_TEXT, argument).decode()
        if major == _UNSIGNED:
            return argument
        if major == _NEGATIVE:
            return -1 - argument
        return self._special(argument)

    def _tagged(self, number: int, start: int, depth: int) -> Embedded | Tagged:
        if depth > limits.CBOR_DEPTH_MAX:
            raise self._too_deep()
        value = self.item(depth)
        if number != EMBEDDED_TAG:
            return Tagged(number, value)
        if not isinstance(value, bytes):
            raise self._malformed("tag 24 is not on a byte string")
        return Embedded(self._data[start : self.position], value)

    def _array(self, length: int, depth: int) -> list[CborValue]:
        if depth > limits.CBOR_DEPTH_MAX:
            raise self._too_deep()
        item = self.item
        return [item(depth) for _ in self._turns(length, 1)]

    def _map(self, length: int, depth: int) -> CborMap:
        if depth > limits.CBOR_DEPTH_MAX:
            raise self._too_deep()
        item = self.item
        members: CborMap = {}
        for _ in self._turns(length, 2):
            key = item(depth)
            if not isinstance(key, _KEY_TYPES) or isinstance(key, bool):
                raise self._malformed("a map key is no integer, text or bytes")
            if key in members:
                raise refused(DUPLICATE, f"{self._what} has a map with the same key twice.")
            members[key] = item(depth)
        return members

    def _turns(self, length: int, items: int) -> Iterable[object]:
        """One turn for each member of a container, which is of so many items.

        A container that cannot fit is refused before anything is built for it.
        """
        if length == _INDEFINITE:
            return self._until_break()
        if items * length > self._size - self.position:
            raise refused(LENGTH, f"{self._what} announces more items than it has bytes.")
        return range(length)

    def _string(self, major: int, length: int) -> bytes:
        if length != _INDEFINITE:
            return self._take(length)
        return b"".join([self._chunk(major) for _ in self._until_break()])

    def _chunk(self, major: int) -> bytes:
        """One definite part of a string of indefinite length, of the string's own type."""
        initial = self._take(1)[0]
        length = self._argument(major, initial & 0x1F)
        if initial >> 5 != major or length == _INDEFINITE:
            raise self._malformed("a chunk of a string is of another type")
        chunk = self._take(length)
        if major == _TEXT:
            chunk.decode()
        return chunk

    def _special(self, code: int) -> CborValue:
        if code in _FLOATS:
            form, width = _FLOATS[code]
            number: float = struct.unpack(form, self._take(width))[0]
            return number
        if code > 24:
            raise self._malformed("a break or a reserved value stands where a value belongs")
        simple = code if code < 24 else self._take(1)[0]
        if code == 24 and simple < 32:
            raise self._malformed("a simple value is written too long")
        match simple:
            case 20 | 21:
                return simple == 21
            case 22:
                return None
            case _:
                return Simple(simple)

    def _argument(self, major: int, code: int) -> int:
        if code < 24:
            return code
        if code == 24 and self.position < self._size:
            self.position += 1
            return self._data[self.position - 1]
        if code < 28:
            return int.from_bytes(self._take(1 << (code - 24)), "big")
        if code == 31 and _BYTES <= major <= _MAP:
            return _INDEFINITE
        raise self._malformed("a length is of a reserved kind")

    def _until_break(self) -> Iterator[None]:
        while self.position >= self._size or self._data[self.position] != _BREAK:
            yield
        self.position += 1

    def _take(self, count: int) -> bytes:
        end = self.position + count
        if end > self._size:
            raise self._ended()
        taken = self._data[self.position : end]
        self.position = end
        return taken

    def _too_deep(self) -> CredentialError:
        return refused(DEPTH, f"{self._what} is nested deeper than {limits.CBOR_DEPTH_MAX}.")

    def _ended(self) -> CredentialError:
        return refused(LENGTH, f"{self._what} ends before the length it announces.")

    def _malformed(self, why: str) -> CredentialError:
        return refused(ENCODING, f"{self._what} is not CBOR: {why}.")


class _CountingReader(_Reader):
    """The same for so many bytes that they could have too many items."""

    __slots__ = ("_items_left",)

    def __init__(self, data: bytes, what: str, items_max: int) -> None:
        super().__init__(data, what)
        self._items_left = items_max

    def item(self, depth: int) -> CborValue:
        """The next value, if it is not one too many."""
        self._count()
        return super().item(depth)

    def _chunk(self, major: int) -> bytes:
        self._count()
        return super()._chunk(major)

    def _turns(self, length: int, items: int) -> Iterable[object]:
        turns = super()._turns(length, items)
        if items * length > self._items_left:
            raise self._too_many()
        return turns

    def _count(self) -> None:
        self._items_left -= 1
        if self._items_left < 0:
            raise self._too_many()

    def _too_many(self) -> CredentialError:
        return refused(LENGTH, f"{self._what} has too many items.")
