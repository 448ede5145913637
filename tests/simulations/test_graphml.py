"""Contacts as GraphML: well-formed, whole, and true."""

import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from simulations.formats.graphml import graphml_text, meetings
from simulations.trace import ContactChange

SPACE = "{http://graphml.graphdrawing.org/xmlns}"
CHANGES = [
    ContactChange(1.0, 0, 1, up=True),
    ContactChange(2.0, 1, 0, up=True),
    ContactChange(4.0, 1, 0, up=False),
    ContactChange(4.0, 1, 0, up=False),
    ContactChange(5.0, 0, 1, up=True),
    ContactChange(6.0, 2, 2, up=True),
    ContactChange(20.0, 1, 2, up=True),
]


def test_lengths_are_summed_and_open_contacts_last_to_the_end():
    found = meetings(CHANGES, 10.0)
    assert list(found) == [(0, 1)]
    assert (found[0, 1].contacts, found[0, 1].total_s, found[0, 1].first_s) == (2, 8.0, 1.0)


def test_the_file_says_what_was_found():
    root = ET.fromstring(graphml_text('a "b" & <c>', 4, CHANGES, 10.0))
    graph = root.find(f"{SPACE}graph")
    assert graph.attrib == {"id": 'a "b" & <c>', "edgedefault": "undirected"}
    nodes = graph.findall(f"{SPACE}node")
    assert [node.attrib["id"] for node in nodes] == ["n0", "n1", "n2", "n3"]
    assert [data.text for data in nodes[0]] == ["2", "8.0"]
    assert [data.text for data in nodes[3]] == ["0", "0.0"]
    (edge,) = graph.findall(f"{SPACE}edge")
    assert (edge.attrib["source"], edge.attrib["target"]) == ("n0", "n1")
    assert {data.attrib["key"]: data.text for data in edge} == {
        "contacts": "2",
        "total_s": "8.0",
        "first_s": "1.0",
    }


changes = st.lists(
    st.builds(
        ContactChange,
        st.floats(0, 100),
        st.integers(0, 4),
        st.integers(0, 4),
        st.booleans(),
    )
).map(lambda found: sorted(found, key=lambda change: change.time_s))


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="￾￿")), changes)
def test_whatever_the_name_the_file_is_well_formed(name, found):
    root = ET.fromstring(graphml_text(name, 5, found, 50.0))
    assert len(root.findall(f".//{SPACE}node")) == 5
    for total in root.findall(f".//{SPACE}edge/{SPACE}data[@key='total_s']"):
        assert 0 <= float(total.text) <= 50
