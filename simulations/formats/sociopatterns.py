"""SocioPatterns contact lists: ``t i j`` says that i and j faced each other in the 20 s before t.

Source: the data sets' own description (sociopatterns.org): a row names the interval that *ends* at
``t``; further columns, such as the classes of the two people, may follow and are ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from p2p.errors import InvalidInput
from simulations.formats.lines import Place, read_words
from simulations.trace import ContactChange

INTERVAL_S = 20.0
"""Resolution of the badges."""
_WORDS_MIN = 3


@dataclass(frozen=True, slots=True)
class SocioPatterns:
    """Contacts with node addresses from 0.

    Attributes:
        changes: ups and downs in order of time; the first interval begins at time 0.
        people: the data set's own number of each node, by address.
    """

    changes: tuple[ContactChange, ...]
    people: tuple[int, ...]


def read_sociopatterns(path: Path, interval_s: float = INTERVAL_S) -> SocioPatterns:
    """Read a contact list; people are numbered anew in the order of their own numbers.

    Raises:
        InvalidInput: names the file, the line and what is allowed.
    """
    rows = _rows(path)
    people = sorted({person for _, i, j in rows for person in (i, j)})
    address = {person: index for index, person in enumerate(people)}
    start_s = min((time_s for time_s, _, _ in rows), default=0.0) - interval_s
    ends: dict[tuple[int, int], list[tuple[float, float]]] = {}
    for time_s, i, j in rows:
        first, second = sorted((address[i], address[j]))
        spans = ends.setdefault((first, second), [])
        begin_s, end_s = time_s - interval_s - start_s, time_s - start_s
        if spans and begin_s <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end_s, spans[-1][1]))
        else:
            spans.append((begin_s, end_s))
    changes = [
        ContactChange(time_s, first, second, up)
        for (first, second), spans in ends.items()
        for begin_s, end_s in spans
        for time_s, up in ((begin_s, True), (end_s, False))
    ]
    changes.sort(key=lambda change: (change.time_s, change.up, change.first, change.second))
    return SocioPatterns(tuple(changes), tuple(people))


def _rows(path: Path) -> list[tuple[float, int, int]]:
    rows: list[tuple[float, int, int]] = []
    for number, words in read_words(path):
        place = Place(path, number)
        if len(words) < _WORDS_MIN:
            raise place.refuse("allowed is: TIME PERSON PERSON, and columns that are ignored.")
        time_s = place.time_s(words[0])
        if rows and time_s < rows[-1][0]:
            raise place.refuse("times may not go back.")
        first, second = place.whole(words[1], "person"), place.whole(words[2], "person")
        if first == second:
            raise place.refuse(f"person {first} cannot meet themselves.")
        rows.append((time_s, first, second))
    if not rows:
        raise InvalidInput(f"{path} holds no contact; allowed are lines of TIME PERSON PERSON.")
    return rows
