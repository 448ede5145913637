"""The part of msgpack that Molva calls, typed."""

from collections.abc import Callable

class UnpackException(Exception): ...

def packb(o: object, *, use_bin_type: bool = ...) -> bytes: ...
def unpackb(
    packed: bytes,
    *,
    raw: bool = ...,
    strict_map_key: bool = ...,
    max_str_len: int = ...,
    max_bin_len: int = ...,
    max_array_len: int = ...,
    max_map_len: int = ...,
    max_ext_len: int = ...,
    ext_hook: Callable[[int, bytes], object] = ...,
) -> object: ...
