"""Every field has a bound, holds at it, and is refused one beyond it."""

from __future__ import annotations

from collections.abc import Iterator

import msgpack
import msgspec
import pytest
from msgspec import inspect

from p2p.errors import RemoteError
from p2p.wire import limits
from p2p.wire.bundle import DeviceCertificate, PrekeyBundle
from p2p.wire.codec import unpack
from p2p.wire.contact_uri import Invite
from p2p.wire.content import Content
from p2p.wire.frames import (
    Frame,
    OfferEntry,
    RecordFate,
    RecordWish,
    Refusal,
    decode_frame,
)
from p2p.wire.record import RecordHeader

STRUCTS = (
    *Frame.__args__, *Content.__args__, OfferEntry, Refusal, DeviceCertificate, PrekeyBundle,
    Invite, RecordWish, RecordFate, RecordHeader
)  # fmt: skip
ANY_SIZE = 2**20


def _filler(kind: inspect.Type, size: int | None = None) -> object:
    """Give a value of that type, as small as may be or of exactly ``size``."""
    match kind:
        case inspect.IntType():
            return size if size is not None else kind.ge
        case inspect.StrType():
            return "x" * (size if size is not None else kind.min_length or 0)
        case inspect.BytesType():
            return bytes(size if size is not None else kind.min_length or 0)
        case inspect.VarTupleType():
            count = size if size is not None else kind.min_length or 0
            return [_filler(kind.item_type)] * count
        case inspect.StructType():
            return _elements(kind.cls)
        case _:
            pytest.fail(f"no such type is known here: {kind}")


def _elements(struct: type) -> list[object]:
    """Give the smallest array that reads as the struct."""
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    tag = [] if info.tag is None else [info.tag]
    return [*tag, *(_filler(field.type) for field in info.fields)]


def _bounds(kind: inspect.Type) -> tuple[int | None, int | None]:
    if isinstance(kind, inspect.IntType):
        return kind.ge, kind.le
    return kind.min_length, kind.max_length


def _fields() -> Iterator[tuple[type, str, int, inspect.Type]]:
    for struct in STRUCTS:
        info = inspect.type_info(struct)
        assert isinstance(info, inspect.StructType)
        first = 0 if info.tag is None else 1
        for place, field in enumerate(info.fields, start=first):
            if not isinstance(field.type, inspect.StructType):
                yield struct, field.name, place, field.type


FIELDS = list(_fields())
IDS = [f"{struct.__name__}.{name}" for struct, name, _, _ in FIELDS]


def _decode(struct: type, elements: list[object]) -> object:
    return unpack(msgpack.packb(elements, use_bin_type=True), struct, ANY_SIZE)


@pytest.mark.parametrize(("struct", "name", "place", "kind"), FIELDS, ids=IDS)
def test_a_field_is_bounded(struct: type, name: str, place: int, kind: inspect.Type) -> None:
    least, most = _bounds(kind)
    assert most is not None
    assert not isinstance(kind, inspect.IntType) or least is not None
    assert not isinstance(kind, inspect.VarTupleType) or most <= limits.IDS_PER_FRAME_MAX


@pytest.mark.parametrize(("struct", "name", "place", "kind"), FIELDS, ids=IDS)
def test_a_field_holds_at_its_bounds_and_not_beyond(
    struct: type, name: str, place: int, kind: inspect.Type
) -> None:
    least, most = _bounds(kind)
    elements = _elements(struct)
    for size in (least or 0, most):
        elements[place] = _filler(kind, size)
        assert isinstance(_decode(struct, elements), struct)
    for size in (most + 1, (least or 0) - 1):
        if size >= 0 or isinstance(kind, inspect.IntType):
            elements[place] = _filler(kind, size)
            with pytest.raises(RemoteError):
                _decode(struct, elements)


@pytest.mark.parametrize("struct", Frame.__args__, ids=lambda struct: struct.__name__)
def test_the_largest_frame_of_each_kind_fits(struct: type) -> None:
    elements = _elements(struct)
    for owner, _, place, kind in FIELDS:
        if owner is struct:
            elements[place] = _filler(kind, _bounds(kind)[1])
    data = msgpack.packb(elements, use_bin_type=True)
    assert len(data) <= limits.FRAME_SIZE_MAX_BYTES
    assert isinstance(decode_frame(data), struct)


def test_numbers_of_frames_are_frozen() -> None:
    tags = {inspect.type_info(kind).tag: kind.__name__ for kind in Frame.__args__}
    assert tags == {
        0: "Hello",
        1: "Offer",
        2: "Want",
        3: "Carry",
        4: "Taken",
        5: "Refused",
        6: "ProofFrame",
        7: "Credit",
        8: "Seek",
        9: "Found",
        10: "Bye",
        11: "RecordOffer",
        12: "RecordWant",
        13: "RecordPart",
        14: "RecordAnswer",
    }


@pytest.mark.parametrize("number", [*range(16, 24), 15, 24, 255, -1, 2**40])
def test_other_numbers_are_no_frames(number: int) -> None:
    with pytest.raises(RemoteError):
        decode_frame(msgpack.packb([number, b"", b"", b"", b""]))


def test_structs_carry_no_names_over_the_wire() -> None:
    for struct in STRUCTS:
        assert struct.__struct_config__.array_like
        assert struct.__struct_config__.frozen
        assert isinstance(msgspec.to_builtins(_decode(struct, _elements(struct))), list | tuple)
