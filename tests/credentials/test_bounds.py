"""Bombs cost no more than what is allowed: counted in calls and bytes, not in time."""

from __future__ import annotations

import random
import socket
import sys
import tracemalloc
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from p2p.credentials import limits, status_bits
from p2p.credentials.encoding import decode_json
from p2p.credentials.status_bits import StatusBits
from p2p.credentials.status_list import StatusReader
from p2p.errors import CredentialError
from tests.credentials.attempts import md, sd, trusting
from tests.credentials.issuer import StatusToken, digest
from tests.credentials.pki import NOW, World, authority, b64, leaf

MEMORY_MAX_BYTES = 64 << 20
CALLS_MAX = 400_000
MEGABYTE = limits.PRESENTATION_SIZE_MAX_BYTES


def cost(call: Callable[[], Any]) -> tuple[str, int, int]:
    """The rule that refuses, the peak of memory, and how many Python calls it took."""
    calls = 0

    def count(_frame: Any, event: str, _arg: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    tracemalloc.start()
    sys.setprofile(count)
    try:
        call()
    except CredentialError as exc:
        rule = exc.rule
    else:
        rule = ""
    finally:
        sys.setprofile(None)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return rule, peak, calls


BOMBS: dict[str, tuple[Any, bytes, str]] = {
    "cbor-arrays": (md, b"\x81" * MEGABYTE, "depth"),
    "cbor-tags": (md, b"\xd8\x18" * (MEGABYTE // 2), "depth"),
    "cbor-endless-arrays": (md, b"\x9f" * MEGABYTE, "depth"),
    "cbor-flat": (md, b"\x9f" + b"\x80" * (MEGABYTE - 2) + b"\xff", "length"),
    "cbor-chunks": (md, b"\x7f" + b"\x60" * (MEGABYTE - 2) + b"\xff", "length"),
    "cbor-announced": (md, b"\x9b\x00\x00\x00\xff\xff\xff\xff\xff", "length"),
    "cbor-announced-text": (md, b"\x7b\x7f\xff\xff\xff\xff\xff\xff\xff", "length"),
    "tildes": (sd, b"~" * MEGABYTE, "length"),
    "dots": (sd, b"." * (MEGABYTE - 1) + b"~", "encoding"),
    "one-long-name": (sd, b"A" * (MEGABYTE - 1) + b"~", "encoding"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_cheap(world: World, name: str) -> None:
    kind, data, expected = BOMBS[name]
    rule, peak, calls = cost(kind(world, raw=lambda _: data).run)
    assert rule == expected
    assert peak < MEMORY_MAX_BYTES
    assert calls < CALLS_MAX


JSON_BOMBS = {
    "deep-lists": (b"[" * 300_000, "length"),
    "deep-but-few": (b"[" * 9_000, "depth"),
    "deep-objects": (b'{"a":' * 9_000, "depth"),
    "flat": (b"[" + b"0," * 400_000 + b"0]", "length"),
    "quotes": (b'["' + b'\\"' * 400_000 + b"[" * 64, "encoding"),
    "digits": (b"[" + b"9" * 700_000 + b"]", "encoding"),
    "brackets-in-text": (b'["' + b"[{" * 5_000 + b'"]', ""),
}


@pytest.mark.parametrize("name", JSON_BOMBS)
def test_a_json_bomb_is_cheap(name: str) -> None:
    data, expected = JSON_BOMBS[name]
    rule, peak, calls = cost(lambda: decode_json(data, "It"))
    assert rule == expected
    assert peak < MEMORY_MAX_BYTES
    assert calls < CALLS_MAX


def test_disclosures_and_decoys_are_bounded(world: World) -> None:
    def bend(case: Any) -> None:
        case.payload["_sd"] += [digest(f"decoy {number}") for number in range(9_000)]

    rule, peak, calls = cost(sd(world, bend).run)
    assert (rule, peak < MEMORY_MAX_BYTES, calls < CALLS_MAX) == ("", True, True)


def test_a_long_chain_of_same_names_is_bounded(world: World) -> None:
    """Four helpers that all could have issued each other, and none leads anywhere."""
    key = authority(path_length=None).key
    loops = [authority("Loop", key=key, signer=authority("Loop", key=key)) for _ in range(4)]
    party = leaf(loops[0], above=[each.cert for each in loops])
    rule, _, calls = cost(sd(world, lambda c: c.with_signer(party)).run)
    assert rule == "issuer-trust"
    assert calls < CALLS_MAX


class CountingZlib:
    """The real zlib, which counts the bytes it has inflated."""

    error = zlib.error
    MAX_WBITS = zlib.MAX_WBITS

    def __init__(self) -> None:
        self.inflated = 0

    def decompressobj(self, wbits: int = zlib.MAX_WBITS) -> Any:
        outer, inner = self, zlib.decompressobj(wbits)

        class Stream:
            eof = property(lambda _: inner.eof)
            unconsumed_tail = property(lambda _: inner.unconsumed_tail)
            unused_data = property(lambda _: inner.unused_data)

            def decompress(self, data: bytes, size: int) -> bytes:
                part = inner.decompress(data, size)
                outer.inflated += len(part)
                return part

        return Stream()

    def compress(self, data: bytes, level: int) -> bytes:
        return zlib.compress(data, level)


def test_a_zip_bomb_stops_at_the_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    counting = CountingZlib()
    monkeypatch.setattr(status_bits, "zlib", counting)
    bomb = zlib.compress(bytes(1 << 28), 9)
    rule, peak, calls = cost(lambda: StatusBits(1, bomb))
    assert rule == "status-size"
    kept = (limits.STATUS_DENSE_PAGES + 2) * limits.STATUS_PAGE_BYTES
    assert counting.inflated <= limits.STATUS_INFLATED_MAX_BYTES + kept
    assert peak < MEMORY_MAX_BYTES
    assert calls < CALLS_MAX


@pytest.mark.parametrize("tail", [b"", b"\x00" * 64])
def test_an_endless_stream_ends(tail: bytes) -> None:
    """A stream that never says it is over; openvc-core hangs on what follows one."""
    stream = zlib.compressobj()
    data = stream.compress(bytes(1000)) + stream.flush(zlib.Z_SYNC_FLUSH)
    endless = data + b"\x00\x00\x00\xff\xff" * 1000 + tail
    with pytest.raises(CredentialError) as caught:
        StatusBits(1, endless)
    assert caught.value.rule == "status-stream"


def test_a_million_entries_answer_from_memory() -> None:
    array = bytearray(1 << 17)
    array[12_345] = 0b0010_0000
    bits = StatusBits(1, zlib.compress(bytes(array)))
    assert len(bits) == 1 << 20
    assert [bits.at(12_345 * 8 + offset) for offset in range(8)] == [0, 0, 0, 0, 0, 1, 0, 0]
    assert bits.held_bytes == 1 << 17


def test_a_hundred_million_entries_in_bounded_memory() -> None:
    chance = random.Random(7)
    array = bytearray(12_500_000)
    revoked = {chance.randrange(100_000_000) for _ in range(10_000)}
    for index in revoked:
        array[index >> 3] |= 1 << (index & 7)
    bits = StatusBits(1, zlib.compress(bytes(array), 1))
    assert len(bits) == 100_000_000
    assert bits.held_bytes < 4 << 20
    for index in (0, 99_999_999, *sorted(revoked)[::500]):
        assert bits.at(index) == (index in revoked)


def test_a_status_token_of_the_largest_size_is_read(world: World) -> None:
    noise = random.Random(1).randbytes(1 << 20)
    token = StatusToken(world.status, compressed=zlib.compress(noise, 1)).jwt()
    reader = StatusReader(trusting(world.root))
    rule, peak, _ = cost(lambda: reader.read(token, NOW))
    assert (rule, peak < MEMORY_MAX_BYTES) == ("", True)


def test_nothing_opens_a_socket(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: Any, **__: Any) -> Any:
        raise AssertionError("the verifier opened a socket")

    monkeypatch.setattr(socket, "socket", forbidden)
    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    assert md(world).run()
    hints = {"jku": "http://127.0.0.1:9/", "x5u": "http://127.0.0.1:9/"}
    assert sd(world, lambda c: c.header.update(hints)).run()
    with pytest.raises(CredentialError) as caught:
        sd(world, lambda c: (c.header.pop("x5c"), c.header.update(hints))).run()
    assert caught.value.rule == "no-fetch"


def test_the_chain_memory_is_bounded(world: World) -> None:
    trust = trusting(world.root)
    for _ in range(limits.CHAIN_CACHE_ENTRIES + 5):
        party = leaf(world.root, key=world.signer.key)
        assert sd(world, lambda c, p=party: c.with_signer(p), trust=trust).run()
    assert len(trust._verified) == limits.CHAIN_CACHE_ENTRIES


def test_a_remembered_chain_still_expires(world: World) -> None:
    trust = trusting(world.root)
    party = leaf(world.root, days=(-100, 1))
    assert sd(world, lambda c: c.with_signer(party), trust=trust).run()
    late = sd(world, lambda c: c.with_signer(party), trust=trust, now=NOW + 86_401)
    with pytest.raises(CredentialError) as caught:
        late.run()
    assert caught.value.rule == "certificate"


def test_base64url_of_any_length_is_canonical() -> None:
    from p2p.credentials.encoding import base64url_decode

    for size in range(70):
        data = random.Random(size).randbytes(size)
        assert base64url_decode(b64(data), "It") == data
