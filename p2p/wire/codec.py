"""MessagePack with hard caps, and typed values out of it.

A peer's bytes are hashed and verified as received, never re-encoded: MessagePack allows an
integer to be written longer than it needs to be, so re-encoding would change what was signed.
"""

from __future__ import annotations

from typing import Final, NoReturn, TypeVar

import msgpack
import msgspec

from p2p.errors import InvalidInput, Malformed, WrongVersion
from p2p.wire.limits import IDS_PER_FRAME_MAX, OFFERS_PER_FRAME_MAX, PROOFS_PER_FRAME_MAX

T = TypeVar("T")

_ARRAY_LENGTH_MAX: Final = max(IDS_PER_FRAME_MAX, OFFERS_PER_FRAME_MAX, PROOFS_PER_FRAME_MAX)
"""The decoder makes room for an array when its length is read. It nests 1,024 deep, so 3 KB of
nested arrays that announce this length cost 2 MB for a moment; with 4,096 it would be 33 MB."""
_MAP_LENGTH_MAX: Final = 0
"""No format has a map."""
_ENCODER: Final = msgspec.msgpack.Encoder()


class _Versioned(msgspec.Struct, frozen=True, array_like=True):
    """What every version of a versioned format begins with."""

    version: int


def pack(value: object) -> bytes:
    """Encode one of our values (structs become arrays) as MessagePack.

    Raises:
        InvalidInput: a text holds half a character (a lone surrogate), which has no encoding.
    """
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError as exc:
        raise InvalidInput("The text holds half a character (a lone surrogate).") from exc


def unpack(data: bytes, shape: type[T], size_max_bytes: int) -> T:
    """Decode exactly one MessagePack value into a typed, bounded struct.

    Args:
        data: the bytes.
        shape: the msgspec struct to read them as.
        size_max_bytes: more bytes than this are refused before anything is decoded.

    Raises:
        Malformed: too long, truncated, trailing bytes, wrong shape, or out of bounds.
    """
    return _convert(_plain(data, size_max_bytes), shape)


def unpack_versioned(data: bytes, shape: type[T], size_max_bytes: int, version: int) -> T:
    """Decode like :func:`unpack` a struct whose first field is its version.

    The version is read before the rest is given a shape, since another version may have another
    shape: whoever is behind then learns that, and not that the bytes are bad.

    Raises:
        WrongVersion: made by another version.
        Malformed: as :func:`unpack`.
    """
    plain = _plain(data, size_max_bytes)
    found = _convert(plain, _Versioned).version
    if found != version:
        raise WrongVersion(f"Made by version {found} of its format; this node reads {version}.")
    return _convert(plain, shape)


def check_text_size(text: str, size_max_bytes: int) -> None:
    """Hold a decoded text to a limit in bytes; msgspec's own bounds count characters.

    Raises:
        Malformed: longer in UTF-8.
    """
    size_bytes = len(text.encode())
    if size_bytes > size_max_bytes:
        raise Malformed(f"A text of {size_bytes} bytes where {size_max_bytes} are allowed.")


def unpack_boxed(data: bytes, box: type[T], size_max_bytes: int) -> T:
    """Decode like :func:`unpack` into a struct whose single field is the value.

    For unions of tagged structs: msgspec compiles the field's type once, with the struct.

    Raises:
        Malformed: as :func:`unpack`.
    """
    return _convert((_plain(data, size_max_bytes),), box)


def _plain(data: bytes, size_max_bytes: int) -> object:
    if len(data) > size_max_bytes:
        raise Malformed(f"{len(data)} bytes where at most {size_max_bytes} are allowed.")
    try:
        return msgpack.unpackb(
            data,
            raw=False,
            strict_map_key=True,
            max_str_len=size_max_bytes,
            max_bin_len=size_max_bytes,
            max_array_len=_ARRAY_LENGTH_MAX,
            max_map_len=_MAP_LENGTH_MAX,
            max_ext_len=0,
            ext_hook=_refuse_extension,
        )
    except (ValueError, TypeError, RecursionError) as exc:
        raise Malformed(f"Not MessagePack: {str(exc) or type(exc).__name__}") from exc


def _refuse_extension(code: int, data: bytes) -> NoReturn:
    """Refuse even an empty extension: its Python value is a tuple, which passes for an array."""
    raise ValueError(f"extension type {code} with {len(data)} bytes")


def _convert(plain: object, shape: type[T]) -> T:
    try:
        return msgspec.convert(plain, shape)
    except (msgspec.ValidationError, RecursionError) as exc:
        raise Malformed(f"Not a value of this protocol: {exc}") from exc
