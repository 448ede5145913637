"""Says what is wrong with a table, in one sentence: the key, the value, and what is allowed."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Final, cast

from msgspec import inspect

Table = Mapping[str, object]
_SHOWN_MAX: Final = 60


def first_problem(kind: inspect.Type, value: object, key: str = "") -> str | None:
    """Give the sentence for the first thing that a value cannot be; None where all is well.

    Args:
        kind: what msgspec knows of the type that is wanted.
        value: what TOML gave.
        key: where it stands, as ``faults[0].share``.
    """
    kind = _bare(kind)
    if isinstance(kind, inspect.StructType):
        return _struct_problem((kind,), value, key)
    if isinstance(kind, inspect.UnionType):
        return _union_problem(kind, value, key)
    if isinstance(kind, inspect.TupleType | inspect.VarTupleType):
        return _list_problem(kind, value, key)
    if isinstance(kind, inspect.LiteralType):
        names = [str(one) for one in kind.values]
        good = isinstance(value, str) and value in names
        return None if good else f"{key} = {shown(value)}; {_one_of(names, value)}."
    good = _scalar_fits(kind, value)
    return None if good else f"{key} = {shown(value)}; allowed is {allowed(kind)}."


def allowed(kind: inspect.Type) -> str:
    """Say what a key may be."""
    kind = _bare(kind)
    if isinstance(kind, inspect.UnionType):
        return allowed(_present(kind)[0])
    if isinstance(kind, inspect.LiteralType):
        return " or ".join(f'"{one}"' for one in kind.values)
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        return _number_allowed(kind)
    if isinstance(kind, inspect.StrType):
        pattern = " of letters, digits, space, dot, underscore and hyphen" if kind.pattern else ""
        return f"a text of {kind.min_length or 0} to {kind.max_length} characters{pattern}"
    if isinstance(kind, inspect.TupleType):
        return "a list of " + ", ".join(allowed(one) for one in kind.item_types)
    if isinstance(kind, inspect.VarTupleType):
        item = _bare(kind.item_type)
        what = "tables" if isinstance(item, inspect.UnionType) else f"entries, each {allowed(item)}"
        return f"a list of {kind.min_length or 0} to {kind.max_length} {what}"
    return "a table"


def shown(value: object) -> str:
    """Give a value as TOML writes it, cut where it is long."""
    if isinstance(value, bool):
        return str(value).lower()
    text = f'"{value}"' if isinstance(value, str) else str(value)
    text = "".join(letter if letter.isprintable() else "?" for letter in text[: _SHOWN_MAX + 1])
    return text if len(text) <= _SHOWN_MAX else text[:_SHOWN_MAX] + "..."


def _number_allowed(kind: inspect.IntType | inspect.FloatType) -> str:
    what = "a whole number" if isinstance(kind, inspect.IntType) else "a number"
    if kind.gt is not None:
        low = f" above {kind.gt:g}"
    else:
        low = f" from {_plain(kind.ge)}" if kind.ge is not None else ""
    return what + low + (f" to {_plain(kind.le)}" if kind.le is not None else "")


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else f"{number:g}"


def _bare(kind: inspect.Type) -> inspect.Type:
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    return kind


def _present(kind: inspect.UnionType) -> list[inspect.Type]:
    return [bare for one in kind.types if not isinstance(bare := _bare(one), inspect.NoneType)]


def _union_problem(kind: inspect.UnionType, value: object, key: str) -> str | None:
    present = _present(kind)
    structs = tuple(one for one in present if isinstance(one, inspect.StructType))
    if len(structs) == len(present):
        return _struct_problem(structs, value, key)
    return first_problem(present[0], value, key)


def _struct_problem(structs: tuple[inspect.StructType, ...], value: object, key: str) -> str | None:
    if not isinstance(value, Mapping):
        where = key or "the file"
        return f"{where} = {shown(value)}; allowed is a table of keys and values."
    table = cast("Table", value)
    chosen = structs[0]
    tag_field = chosen.tag_field
    if tag_field is not None:
        tags = [str(one.tag) for one in structs]
        tag = table.get(tag_field)
        at = _below(key, tag_field)
        if tag_field not in table:
            return f"{at} is missing; {_one_of(tags, tag)}."
        if tag not in tags:
            return f"{at} = {shown(tag)}; {_one_of(tags, tag)}."
        chosen = structs[tags.index(str(tag))]
    return _unknown_key(chosen, table, key) or _bad_field(chosen, table, key)


def _unknown_key(struct: inspect.StructType, table: Table, key: str) -> str | None:
    names = [*([struct.tag_field] if struct.tag_field else [])]
    names += [field.encode_name for field in struct.fields]
    for name in table:
        if name not in names:
            place = f"in {key}" if key else "at the top of a scenario"
            return f"unknown key {shown(name)} {place}; {_one_of(names, name, quoted=False)}."
    return None


def _bad_field(struct: inspect.StructType, table: Table, key: str) -> str | None:
    for field in struct.fields:
        name = _below(key, field.encode_name)
        if field.encode_name in table:
            problem = first_problem(field.type, table[field.encode_name], name)
            if problem is not None:
                return problem
        elif field.required:
            return f"{name} is missing; allowed is {_what(field.type)}."
    return None


def _what(kind: inspect.Type) -> str:
    bare = _bare(kind)
    if isinstance(bare, inspect.UnionType):
        structs = [one for one in _present(bare) if isinstance(one, inspect.StructType)]
        if structs:
            tags = " or ".join(f'"{one.tag}"' for one in structs)
            return f"a table with {structs[0].tag_field} = {tags}"
    return allowed(kind)


def _list_problem(
    kind: inspect.TupleType | inspect.VarTupleType, value: object, key: str
) -> str | None:
    if not isinstance(value, list):
        return f"{key} = {shown(value)}; allowed is {allowed(kind)}."
    items = cast("Sequence[object]", value)
    if isinstance(kind, inspect.TupleType):
        kinds = kind.item_types
        fits = len(items) == len(kinds)
    else:
        kinds = (kind.item_type,) * len(items)
        most = math.inf if kind.max_length is None else kind.max_length
        fits = (kind.min_length or 0) <= len(items) <= most
    if not fits:
        return f"{key} has {len(items)} entries; allowed is {allowed(kind)}."
    for number, (one, item) in enumerate(zip(kinds, items, strict=True)):
        problem = first_problem(one, item, f"{key}[{number}]")
        if problem is not None:
            return problem
    return None


def _scalar_fits(kind: inspect.Type, value: object) -> bool:
    if isinstance(kind, inspect.StrType):
        return isinstance(value, str) and _text_fits(kind, value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if isinstance(kind, inspect.IntType):
        return isinstance(value, int) and _in_range(kind, value)
    finite = isinstance(value, int) or math.isfinite(value)
    return isinstance(kind, inspect.FloatType) and finite and _in_range(kind, value)


def _text_fits(kind: inspect.StrType, value: str) -> bool:
    if not (kind.min_length or 0) <= len(value) <= (kind.max_length or math.inf):
        return False
    return kind.pattern is None or re.search(kind.pattern, value) is not None


def _in_range(kind: inspect.IntType | inspect.FloatType, value: float) -> bool:
    return (
        (kind.ge is None or value >= kind.ge)
        and (kind.gt is None or value > kind.gt)
        and (kind.le is None or value <= kind.le)
        and (kind.lt is None or value < kind.lt)
    )


def _below(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def _one_of(names: Iterable[str], wrong: object, *, quoted: bool = True) -> str:
    known = list(names)
    near = get_close_matches(wrong, known, n=1) if isinstance(wrong, str) else []
    listed = ", ".join(f'"{name}"' if quoted else name for name in known)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{hint}allowed {'are' if len(known) > 1 else 'is'} {listed}"
