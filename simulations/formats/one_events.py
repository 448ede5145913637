"""The ONE's external event files.

Contacts are lines of ``t CONN a b up|down``, creations are lines of ``t C id from to size``, with
tabs or spaces between words. As The ONE's own reader does, a contact may name an interface in a
sixth word, which is ignored since all links are alike, a size may end in k, M, G, kiB, MiB or GiB,
and a creation may ask for a response of size 0.
Source: the format that The ONE 1.6 reads and writes.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

from p2p.errors import InvalidInput
from simulations.formats.lines import NUMBER_SIZE_MAX, Place, read_words
from simulations.trace import ContactChange, Creation

_CONTACT_WORDS = (5, 6)
_CREATION_WORDS = (6, 7)
_UNITS = {
    "GiB": 2**30,
    "MiB": 2**20,
    "kiB": 2**10,
    "G": 10**9,
    "M": 10**6,
    "k": 10**3,
}
_NAME_SIZE_MAX = 200
_STATES = {"up": True, "down": False}


def read_contacts(path: Path, nodes: int) -> list[ContactChange]:
    """Read a contact file, in the file's order.

    A contact that is up already, or down already, is kept: a simulator ignores it.

    Raises:
        InvalidInput: names the file, the line and what is allowed.
    """
    changes: list[ContactChange] = []
    known: dict[str, int] = {}
    states = dict(_STATES)
    time_s = last_s = 0.0
    last_word = ""
    for number, words in read_words(path):
        if len(words) not in _CONTACT_WORDS or words[1] != "CONN":
            raise Place(path, number).refuse("allowed is: TIME CONN NODE NODE up|down.")
        try:
            first, second, up = known[words[2]], known[words[3]], states[words[4]]
        except KeyError:
            place = Place(path, number)
            first = known[words[2]] = place.node(words[2], nodes)
            second = known[words[3]] = place.node(words[3], nodes)
            up = states[words[4]] = _state(place, words[4])
        if words[0] != last_word:
            last_word = words[0]
            time_s = Place(path, number).time_s(last_word)
            if time_s < last_s:
                raise _backwards(Place(path, number), time_s, last_s)
            last_s = time_s
        changes.append(ContactChange(time_s, first, second, up))
    return changes


def read_creations(path: Path, nodes: int) -> list[Creation]:
    """Read a message creation file, in the file's order.

    Raises:
        InvalidInput: names the file, the line and what is allowed.
    """
    creations: list[Creation] = []
    names: set[str] = set()
    last_s = 0.0
    for number, words in read_words(path):
        place = Place(path, number)
        if len(words) not in _CREATION_WORDS or words[1] != "C":
            raise place.refuse("allowed is: TIME C NAME SOURCE DESTINATION SIZE.")
        time_s = place.time_s(words[0])
        if time_s < last_s:
            raise _backwards(place, time_s, last_s)
        last_s = time_s
        name = words[2]
        if name in names:
            raise place.refuse(f"message {name[:60]!r} exists already; names are unique.")
        if len(name) > _NAME_SIZE_MAX:
            raise place.refuse(f"the name is longer than {_NAME_SIZE_MAX} characters.")
        names.add(name)
        source, destination = place.node(words[3], nodes), place.node(words[4], nodes)
        creations.append(Creation(time_s, name, source, destination, _size(place, words[5])))
        if len(words) > _CREATION_WORDS[0] and _size(place, words[6]):
            raise place.refuse("responses are not modelled; allowed is a response of size 0.")
    return creations


def write_contacts(path: Path, changes: Iterable[ContactChange]) -> None:
    """Write a contact file that The ONE and :func:`read_contacts` can read."""
    _write(
        path,
        (
            f"{time_text(c.time_s)}\tCONN\t{c.first}\t{c.second}\t{'up' if c.up else 'down'}\n"
            for c in changes
        ),
    )


def write_creations(path: Path, creations: Iterable[Creation]) -> None:
    """Write a creation file that The ONE and :func:`read_creations` can read."""
    _write(
        path,
        (
            f"{time_text(c.time_s)}\tC\t{c.name}\t{c.source}\t{c.destination}\t{c.size_bytes}\n"
            for c in creations
        ),
    )


def time_text(time_s: float) -> str:
    """Give a time as these files write it: whole seconds without a fraction, no exponent."""
    if time_s == int(time_s):
        return str(int(time_s))
    text = repr(time_s)
    return text if "e" not in text else f"{Decimal(text):f}"[:NUMBER_SIZE_MAX]


def _state(place: Place, word: str) -> bool:
    up = _STATES.get(word.lower())
    if up is None:
        raise place.refuse(f"{word[:60]!r} is no state; allowed are up and down.")
    return up


def _size(place: Place, word: str) -> int:
    unit = next((unit for unit in _UNITS if word.endswith(unit)), "")
    digits = word.removesuffix(unit)
    size_bytes = place.whole(digits if digits.isdigit() else word, "size") * _UNITS.get(unit, 1)
    if size_bytes > 2**31 - 1:
        raise place.refuse(f"{size_bytes} bytes; allowed is a size of at most 2147483647.")
    return size_bytes


def _backwards(place: Place, time_s: float, last_s: float) -> InvalidInput:
    return place.refuse(
        f"time {time_text(time_s)} comes after {time_text(last_s)}; times may not go back."
    )


def _write(path: Path, lines: Iterable[str]) -> None:
    try:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(lines)
    except OSError as error:
        raise InvalidInput(f"Cannot write {path}: {error.strerror or error}.") from error
