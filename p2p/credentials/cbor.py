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
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from p2p.credentials import limits
from p2p.credentials.rules import DEPTH, DUPLICATE, ENCODING, LENGTH, SHAPE, TRAILING, refused
from p2p.errors import CredentialError


@dataclass(frozen=True, slots=True)
class Embedded:
    """A CBOR value wrapped in a byte string under tag 24.

    ``raw`` are the original bytes from the tag to the end of the byte string; ``content`` is
    what the byte string holds.
    """

    raw: bytes
    content: bytes


@dataclass(frozen=True, slots=True)
class Tagged:
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
    reader = _Reader(data, what, items_max)
    value = reader.item(0)
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
    if argument < 24:
        return bytes(((major << 5) | argument,))
    for code, width in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 1 << (8 * width):
            return bytes(((major << 5) | code,)) + argument.to_bytes(width, "big")
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
_SHORT_STRINGS: Final[tuple[int, ...]] = tuple(
    initial & 0x1F if initial >> 5 in (_BYTES, _TEXT) and initial & 0x1F < 24 else -1
    for initial in range(256)
)
"""By first byte: the length of a string that tells it there, or -1."""


class _Reader:
    """One pass over the bytes; the position only moves forward."""

    __slots__ = ("_data", "_items_left", "_size", "_what", "position")

    def __init__(self, data: bytes, what: str, items_max: int) -> None:
        self._data = data
        self._size = len(data)
        self._what = what
        self._items_left = items_max
        self.position: int = 0

    def item(self, depth: int) -> CborValue:
        """The next value."""
        start = self.position
        self._items_left -= 1
        if self._items_left < 0:
            raise refused(LENGTH, f"{self._what} has too many items.")
        if start >= self._size:
            raise self._ended()
        initial = self._data[start]
        if initial < 24:
            self.position = start + 1
            return initial
        length = _SHORT_STRINGS[initial]
        if length < 0:
            self.position = start + 1
            return self._long(initial >> 5, initial & 0x1F, start, depth)
        end = start + 1 + length
        self.position = end
        if end > self._size:
            raise self._ended()
        taken = self._data[start + 1 : end]
        return taken if initial < _TEXT << 5 else self._utf8(taken)

    def _long(self, major: int, argument: int, start: int, depth: int) -> CborValue:
        """A value that is no small number and no short string; the first byte is read."""
        if argument >= 24 and major <= _TAG:
            argument = self._argument(major, argument)
        if major == _BYTES:
            return self._string(_BYTES, argument)
        if major == _TEXT:
            return self._utf8(self._string(_TEXT, argument))
        if major == _UNSIGNED:
            return argument
        if major == _NEGATIVE:
            return -1 - argument
        if major > _TAG:
            return self._special(argument)
        return self._container(major, argument, start, depth + 1)

    def _container(self, major: int, argument: int, start: int, depth: int) -> CborValue:
        if depth > limits.CBOR_DEPTH_MAX:
            raise refused(DEPTH, f"{self._what} is nested deeper than {limits.CBOR_DEPTH_MAX}.")
        if major == _MAP:
            return self._map(argument, depth)
        if major == _ARRAY:
            return self._array(argument, depth)
        value = self.item(depth)
        if argument != EMBEDDED_TAG:
            return Tagged(argument, value)
        if not isinstance(value, bytes):
            raise self._malformed("tag 24 is not on a byte string")
        return Embedded(self._data[start : self.position], value)

    def _array(self, length: int, depth: int) -> list[CborValue]:
        if length != _INDEFINITE:
            self._announce(length)
            return [self.item(depth) for _ in range(length)]
        items: list[CborValue] = []
        while not self._at_break():
            items.append(self.item(depth))
        return items

    def _map(self, length: int, depth: int) -> CborMap:
        members: CborMap = {}
        if length != _INDEFINITE:
            self._announce(2 * length)
            for _ in range(length):
                self._member(members, depth)
            return members
        while not self._at_break():
            self._member(members, depth)
        return members

    def _member(self, members: CborMap, depth: int) -> None:
        key = self.item(depth)
        if not isinstance(key, _KEY_TYPES) or isinstance(key, bool):
            raise self._malformed("a map key is no integer, text or bytes")
        if key in members:
            raise refused(DUPLICATE, f"{self._what} has a map with the same key twice.")
        members[key] = self.item(depth)

    def _string(self, major: int, length: int) -> bytes:
        if length != _INDEFINITE:
            end = self.position + length
            if end > self._size:
                raise self._ended()
            taken = self._data[self.position : end]
            self.position = end
            return taken
        chunks: list[bytes] = []
        while not self._at_break():
            chunks.append(self._chunk(major))
        return b"".join(chunks)

    def _chunk(self, major: int) -> bytes:
        """One definite part of a string of indefinite length, of the string's own type."""
        self._items_left -= 1
        if self._items_left < 0:
            raise refused(LENGTH, f"{self._what} has too many items.")
        initial = self._take(1)[0]
        length = self._argument(major, initial & 0x1F)
        if initial >> 5 != major or length == _INDEFINITE:
            raise self._malformed("a chunk of a string is of another type")
        chunk = self._string(major, length)
        if major == _TEXT:
            self._utf8(chunk)
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

    def _at_break(self) -> bool:
        if self.position < self._size and self._data[self.position] == _BREAK:
            self.position += 1
            return True
        return False

    def _take(self, count: int) -> bytes:
        end = self.position + count
        if end > self._size:
            raise self._ended()
        taken = self._data[self.position : end]
        self.position = end
        return taken

    def _announce(self, count: int) -> None:
        """Refuse a container that cannot fit, before anything is built for it."""
        if count > self._size - self.position:
            raise refused(LENGTH, f"{self._what} announces more items than it has bytes.")
        if count > self._items_left:
            raise refused(LENGTH, f"{self._what} has too many items.")

    def _utf8(self, data: bytes) -> str:
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as exc:
            raise self._malformed("text is not UTF-8") from exc

    def _ended(self) -> CredentialError:
        return refused(LENGTH, f"{self._what} ends before the length it announces.")

    def _malformed(self, why: str) -> CredentialError:
        return refused(ENCODING, f"{self._what} is not CBOR: {why}.")
