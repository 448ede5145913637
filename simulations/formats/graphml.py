"""Contacts as GraphML, for Gephi, networkx and others: who met whom, how often, how long."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from simulations.trace import ContactChange

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
<key id="contacts" for="all" attr.name="contacts" attr.type="long"/>
<key id="total_s" for="all" attr.name="total_s" attr.type="double"/>
<key id="first_s" for="edge" attr.name="first_s" attr.type="double"/>
"""


@dataclass(slots=True)
class Meeting:
    """What two nodes had in common.

    Attributes:
        contacts: how often they met.
        total_s: how long they were in contact, all together.
        first_s: when they first met.
    """

    contacts: int
    total_s: float
    first_s: float


def meetings(changes: Sequence[ContactChange], end_s: float) -> dict[tuple[int, int], Meeting]:
    """Sum up the contacts of each pair that met before ``end_s``, in order of their first contact.

    A contact that has not ended by then lasts until then; an up of a live contact and a down of a
    dead one count for nothing, and so does a node's contact with itself.
    """
    found: dict[tuple[int, int], Meeting] = {}
    since: dict[tuple[int, int], float] = {}
    for change in changes:
        pair = (min(change.first, change.second), max(change.first, change.second))
        if change.time_s > end_s or pair[0] == pair[1]:
            continue
        if change.up and pair not in since:
            since[pair] = change.time_s
            meeting = found.setdefault(pair, Meeting(0, 0.0, change.time_s))
            meeting.contacts += 1
        elif not change.up and pair in since:
            found[pair].total_s += change.time_s - since.pop(pair)
    for pair, begun_s in since.items():
        found[pair].total_s += end_s - begun_s
    return found


def graphml_text(name: str, nodes: int, changes: Sequence[ContactChange], end_s: float) -> str:
    """Give an undirected graph with a node for each address and an edge for each pair that met.

    Nodes carry the number and the length of all their contacts; nodes without any are there too.
    """
    pairs = meetings(changes, end_s)
    counts, totals = [0] * nodes, [0.0] * nodes
    for pair, meeting in pairs.items():
        for node in pair:
            counts[node] += meeting.contacts
            totals[node] += meeting.total_s
    lines = [_HEAD, f'<graph id={quoteattr(name)} edgedefault="undirected">\n']
    for node in range(nodes):
        lines.append(f'<node id="n{node}">{_data(counts[node], totals[node])}</node>\n')
    for (first, second), meeting in pairs.items():
        lines.append(
            f'<edge source="n{first}" target="n{second}">'
            f"{_data(meeting.contacts, meeting.total_s)}"
            f'<data key="first_s">{_number(meeting.first_s)}</data></edge>\n'
        )
    lines.append("</graph>\n</graphml>\n")
    return "".join(lines)


def _data(contacts: int, total_s: float) -> str:
    return f'<data key="contacts">{contacts}</data><data key="total_s">{_number(total_s)}</data>'


def _number(value: float) -> str:
    return escape(repr(float(value))) if math.isfinite(value) else "NaN"
