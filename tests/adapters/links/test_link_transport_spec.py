"""The vectors and refusals of docs/spec/link-transport.md are what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from p2p.adapters.dht_discovery import rendezvous_key
from p2p.adapters.framing import WRITE_SIZE_MAX_BYTES, FrameSplitter, writes
from p2p.adapters.mdns_record import decode_txt, encode_txt
from p2p.errors import LimitExceeded

SPEC = Path(__file__).parents[3] / "docs" / "spec" / "link-transport.md"
PEER = "12D3KooWQK1wnefoLrcVHbbnf5tLzbopUd3K3bFAoJpA7YJgL5pV"


def block(kind: str, name: str) -> bytes:
    """Give the hexadecimal block under a vector's or a refusal's name."""
    pattern = rf"\*\*{kind} `{name}`\*\*.*?```text\n(.*?)```"
    found = re.search(pattern, SPEC.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None, name
    return bytes.fromhex("".join(found[1].split()))


def test_two_frames() -> None:
    data = block("Vector", "two-frames")
    assert writes([b"abc", b""]) == [data]
    assert FrameSplitter().feed(data) == [b"abc", b""]


def test_a_cut_frame() -> None:
    pieces = writes([bytes(20_000)])
    assert [len(piece) for piece in pieces] == [WRITE_SIZE_MAX_BYTES, 20_004 - WRITE_SIZE_MAX_BYTES]
    assert pieces[0].startswith(block("Vector", "cut"))


@pytest.mark.parametrize("name", ["too-long", "huge"])
def test_lengths_that_are_refused(name: str) -> None:
    data = block("Refusal", name)
    splitter = FrameSplitter()
    assert splitter.feed(data[:3]) == []
    with pytest.raises(LimitExceeded):
        splitter.feed(data[3:])


def test_a_txt_record() -> None:
    address = f"/ip4/192.0.2.7/tcp/4001/p2p/{PEER}"
    assert encode_txt([address]) == block("Vector", "txt")
    found = decode_txt(block("Vector", "txt"))
    assert found is not None
    assert (found.peer, found.addresses) == (PEER, (address,))


@pytest.mark.parametrize("name", ["cut-off", "no-peer"])
def test_txt_records_of_nobody(name: str) -> None:
    assert decode_txt(block("Refusal", name)) is None


def test_a_rendezvous_key() -> None:
    assert rendezvous_key("molva", 20_000) == block("Vector", "rendezvous")
