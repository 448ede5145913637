"""MessagePack with hard caps, and typed values out of it.

A peer's bytes are hashed and verified as received, never re-encoded: MessagePack allows an
integer to be written longer than it needs to be, so re-encoding would change what was signed.
"""

from __future__ import annotations

from typing import TypeVar

import msgpack
import msgspec

from p2p.errors import Malformed

T = TypeVar("T")

_ARRAY_LENGTH_MAX = 4_096
_MAP_LENGTH_MAX = 64


def pack(value: object) -> bytes:
    """Encode one of our values (structs become arrays) as MessagePack."""
    plain = msgspec.to_builtins(value, builtin_types=(bytes,))
    return msgpack.packb(plain, use_bin_type=True)


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
        )
    except (ValueError, TypeError, RecursionError) as exc:
        raise Malformed(f"Not MessagePack: {exc or type(exc).__name__}") from exc


def _convert(plain: object, shape: type[T]) -> T:
    try:
        return msgspec.convert(plain, shape)
    except (msgspec.ValidationError, RecursionError) as exc:
        raise Malformed(f"Not a value of this protocol: {exc}") from exc
