"""Known answers: what goes over the wire today is what will be read in ten years."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from p2p.errors import MolvaError
from p2p.wire.bundle import encode_bundle
from p2p.wire.contact_uri import encode_invite
from p2p.wire.content import encode_content
from p2p.wire.envelope import parse_envelope
from p2p.wire.frames import Frame, encode_frame
from p2p.wire.ids import Proof, bundle_hash, tag_of
from p2p.wire.record import decode_record_header, encode_record_header, record_id
from tests.wire.vectors import DECODERS, VECTORS, agrees, of_format, refusals, wire_form

SPEC = Path(__file__).parents[2] / "docs" / "spec"
ENCODERS = {
    "frame": encode_frame,
    "content": encode_content,
    "bundle": encode_bundle,
    "invite": encode_invite,
    "record": encode_record_header,
}
PAGES = {
    "frame": "link.md",
    "content": "content.md",
    "invite": "invite.md",
    "record": "record.md",
}

values = [(format_, name) for format_ in ENCODERS for name in of_format(format_)]


@pytest.mark.parametrize(("format_", "name"), values)
def test_a_vector_reads_as_its_fields(format_: str, name: str) -> None:
    vector = of_format(format_)[name]
    value = DECODERS[format_](wire_form(vector))
    assert type(value).__name__ == vector["type"]
    assert agrees(value, vector["fields"])


@pytest.mark.parametrize(("format_", "name"), values)
def test_a_value_is_written_as_its_vector(format_: str, name: str) -> None:
    form = wire_form(of_format(format_)[name])
    assert ENCODERS[format_](DECODERS[format_](form)) == form


@pytest.mark.parametrize("name", of_format("envelope"))
def test_an_envelope_reads_as_its_fields(name: str) -> None:
    vector = of_format("envelope")[name]
    envelope = parse_envelope(wire_form(vector))
    assert envelope.header.size_class == vector["size_class"]
    assert envelope.header.expiry_hour == vector["expiry_hour"]
    assert agrees(envelope.header.tag, vector["tag"])
    assert agrees(envelope.id, vector["id"])
    assert agrees(envelope.commitment, vector["commitment"])
    assert envelope.data.startswith(envelope.header.encode())


@pytest.mark.parametrize(("format_", "name", "refusal"), refusals())
def test_what_must_be_refused_is(format_: str, name: str, refusal: dict[str, str]) -> None:
    with pytest.raises(MolvaError) as caught:
        DECODERS[format_](wire_form(refusal))
    assert caught.value.code == refusal["error"]


def test_names_of_things_are_frozen() -> None:
    for vector in VECTORS["names"]["tag_of"]:
        assert agrees(tag_of(Proof(bytes.fromhex(vector["proof"][2:]))), vector["tag"])
    for vector in VECTORS["names"]["bundle_hash"]:
        form = wire_form(of_format("bundle")[vector["bundle"]])
        assert agrees(bundle_hash(form), vector["hash"])


def test_ids_of_records_are_frozen() -> None:
    for vector in VECTORS["names"]["record_id"]:
        form = wire_form(of_format("record")[vector["record"]])
        assert agrees(record_id(decode_record_header(form)), vector["id"])


def test_every_frame_has_a_vector() -> None:
    kinds = {kind.__name__ for kind in Frame.__args__}
    assert {vector["type"] for vector in of_format("frame").values()} == kinds


def _printed(page: str, word: str) -> dict[str, str]:
    """Give the code blocks that follow a line ``**Vector `name```, without their line breaks."""
    pattern = rf"^\*\*{word} `([a-z0-9-]+)`.*?\n+```text\n(.*?)\n```"
    found = re.findall(pattern, (SPEC / page).read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return {name: re.sub(r"\s+", "", block) for name, block in found}


@pytest.mark.parametrize("format_", PAGES)
def test_the_specification_prints_the_same_vectors(format_: str) -> None:
    printed = _printed(PAGES[format_], "Vector")
    assert len(printed) >= 2
    for name, block in printed.items():
        vector = of_format(format_)[name]
        assert block == vector.get("link", vector.get("hex")), name


@pytest.mark.parametrize("format_", PAGES)
def test_the_specification_prints_the_same_refusals(format_: str) -> None:
    printed = _printed(PAGES[format_], "Refusal")
    assert len(printed) >= 2
    text = (SPEC / PAGES[format_]).read_text("utf-8")
    for name, block in printed.items():
        refusal = VECTORS["refusals"][format_][name]
        assert block == refusal.get("link", refusal.get("hex")), name
        assert f"**Refusal `{name}`** (`{refusal['error']}`)" in text
