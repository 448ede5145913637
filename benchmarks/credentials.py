"""Credentials on one core: presentations, status lists, and what bombs cost.

Rates are of CPU time, since a shared machine's wall clock tells more about its neighbours. What
is verified is issued and presented here, by the product's own test issuer.
"""

from __future__ import annotations

import random
import resource
import time
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from p2p.adapters.system import SystemEntropy
from p2p.credentials import limits
from p2p.credentials.encoding import JsonObject
from p2p.credentials.established import StatusReference
from p2p.credentials.held import read_held_mdoc, read_held_sd_jwt
from p2p.credentials.issuer import TestIssuer, make_test_issuer, new_holder_key
from p2p.credentials.issuing import Terms, issue_mdoc, issue_sd_jwt
from p2p.credentials.presentation import MdocRequest, Request, SdJwtRequest
from p2p.credentials.presenting import present
from p2p.credentials.session_transcript import openid4vp_transcript
from p2p.credentials.status_bits import StatusBits
from p2p.credentials.status_book import StatusBook
from p2p.credentials.status_issuing import StatusTerms, status_list_jwt
from p2p.credentials.status_list import StatusReader
from p2p.credentials.verify import ShortNonceMemory, verify
from p2p.credentials.x509_trust import TrustStore
from p2p.errors import CredentialError

WINDOW_S = 1.0
WINDOWS = 5
NOW = 1_795_262_400
LIST = "https://status.example/1"
SD_REQUEST = SdJwtRequest("x509_hash:shop", "n-0S6_WzA2Mj-n-0S6_WzA2Mj", "urn:eudi:pid:1")
DOC_TYPE, SPACE = "org.iso.18013.5.1.mDL", "org.iso.18013.5.1"
MDOC_REQUEST = MdocRequest(
    DOC_TYPE, openid4vp_transcript(SD_REQUEST.audience, SD_REQUEST.nonce, "https://shop.example/r")
)


@dataclass(frozen=True, slots=True)
class Bomb:
    """What one bomb cost until it was refused."""

    name: str
    size_bytes: int
    rule: str
    cpu_ms: float
    peak_mb: float


def _rate(call: Callable[[], object]) -> float:
    """Calls per second of CPU time: the median of some windows, after warming up."""
    call()
    rates: list[float] = []
    for _ in range(WINDOWS):
        count, began = 0, time.process_time()
        while (spent := time.process_time() - began) < WINDOW_S:
            call()
            count += 1
        rates.append(count / spent)
    return sorted(rates)[WINDOWS // 2]


def _presentations(issuer: TestIssuer) -> dict[str, tuple[bytes, Request]]:
    """An SD-JWT VC with 3 of 7 claims, and an mdoc with 3 of 9 elements."""
    key, entropy = new_holder_key(), SystemEntropy()
    claims: JsonObject = {f"claim_{number}": f"value {number}" for number in range(9)}
    seven: JsonObject = dict(list(claims.items())[:7])
    names = tuple(claims)[:3]

    def terms(kind: str) -> Terms:
        return Terms(kind, NOW - 3_600, NOW + 86_400, StatusReference(LIST, 7))

    text = issue_sd_jwt(seven, terms(SD_REQUEST.vct), issuer.signer, key.public_key(), entropy)
    held = read_held_sd_jwt(text.encode(), key)
    signed = issue_mdoc({SPACE: claims}, terms(DOC_TYPE), issuer.signer, key.public_key(), entropy)
    document = read_held_mdoc(signed, key)
    spaced = tuple(f"{SPACE}/{name}" for name in names)
    return {
        "SD-JWT VC + key binding + status": (present(held, names, SD_REQUEST, NOW), SD_REQUEST),
        "mdoc, 3 elements + status": (present(document, spaced, MDOC_REQUEST, NOW), MDOC_REQUEST),
    }


def presentation_rates() -> dict[str, tuple[int, float]]:
    """By kind: the size in bytes, and how many are verified per second with the chain cached."""
    issuer = make_test_issuer(NOW)
    trust = TrustStore.from_pem([issuer.root.pem])
    book = StatusBook()
    book.add(_token(issuer, _array(1 << 20, 0.001)), StatusReader(trust), NOW)
    found: dict[str, tuple[int, float]] = {}
    for name, (data, request) in _presentations(issuer).items():

        def once(data: bytes = data, request: Request = request) -> object:
            return verify(data, request, trust, book, NOW, nonces=ShortNonceMemory())

        found[name] = (len(data), _rate(once))
    return found


def _array(entries: int, revoked: float) -> bytes:
    """The statuses of one bit each, of which a share is set, compressed as well as can be.

    draft-ietf-oauth-status-list section 4.1 recommends that to issuers.
    """
    chance = random.Random(7)
    array = bytearray(entries // 8)
    for _ in range(int(entries * revoked)):
        index = chance.randrange(8, entries)
        array[index >> 3] |= 1 << (index & 7)
    return zlib.compress(bytes(array), 9)


def _token(issuer: TestIssuer, compressed: bytes) -> bytes:
    """A signed list; its statuses are read as of two bits, which changes nothing for index 0."""
    terms = StatusTerms(LIST, NOW - 60, NOW + 86_400, 43_200)
    return status_list_jwt(compressed, terms, issuer.status)


def list_rates() -> dict[str, tuple[int, float]]:
    """By share revoked: a token's size, and how often it is read, checked and asked per second."""
    issuer = make_test_issuer(NOW)
    reader = StatusReader(TrustStore.from_pem([issuer.root.pem]))
    found: dict[str, tuple[int, float]] = {}
    for revoked in (0.0001, 0.001, 0.01):
        token = _token(issuer, _array(1 << 20, revoked))

        def once(token: bytes = token) -> int:
            return reader.read(token, NOW).bits.at(0)

        found[f"{revoked:.2%} revoked"] = (len(token), _rate(once))
    bits = StatusBits(1, _array(1 << 20, 0.01))
    found["look-ups"] = (bits.held_bytes, _rate(lambda: bits.at(123_456)))
    return found


def large_list() -> tuple[int, float, float, float]:
    """100 M entries at 0.1 %: compressed bytes, seconds of CPU, MB held, MB at the peak."""
    compressed = _array(100_000_000, 0.001)
    tracemalloc.start()
    bits = StatusBits(1, compressed)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    began = time.process_time()
    bits = StatusBits(1, compressed)
    spent = time.process_time() - began
    assert len(bits) == 100_000_000
    return len(compressed), spent, bits.held_bytes / 1e6, peak / 1e6


def _bombs() -> dict[str, tuple[Callable[[], object], int]]:
    issuer = make_test_issuer(NOW)
    trust = TrustStore.from_pem([issuer.root.pem])

    def shown(data: bytes, request: Request) -> tuple[Callable[[], object], int]:
        def once() -> object:
            return verify(data, request, trust, StatusBook(), NOW, nonces=ShortNonceMemory())

        return once, len(data)

    whole = limits.PRESENTATION_SIZE_MAX_BYTES
    token = _token(issuer, zlib.compress(bytes(1 << 28), 9))
    reader = StatusReader(trust)
    return {
        "zip: 256 MiB of statuses, signed": (lambda: reader.read(token, NOW), len(token)),
        "depth: a megabyte of CBOR arrays": shown(b"\x81" * whole, MDOC_REQUEST),
        "depth: a megabyte of CBOR tags": shown(b"\xd8\x18" * (whole // 2), MDOC_REQUEST),
        "depth: JSON arrays in a header": shown(
            b"W1tb" * (whole // 4 - 8) + b".e30.AA~", SD_REQUEST
        ),
        "length: an array of 2**40 items": shown(
            b"\x9b" + (1 << 40).to_bytes(8, "big"), MDOC_REQUEST
        ),
        "length: a flat array without end": shown(b"\x9f" + b"\x80" * (whole - 1), MDOC_REQUEST),
        "length: a text of endless chunks": shown(b"\x7f" + b"\x60" * (whole - 1), MDOC_REQUEST),
        "length: a megabyte of tildes": shown(b"~" * whole, SD_REQUEST),
        "length: one byte more than allowed": shown(bytes(whole + 1), MDOC_REQUEST),
    }


def bombs() -> list[Bomb]:
    """Each bomb with the rule that refuses it; CPU time and peak are of separate runs."""
    found: list[Bomb] = []
    for name, (call, size_bytes) in _bombs().items():
        best_ms, rule = float("inf"), ""
        for _ in range(3):
            began = time.process_time()
            rule = _refusal(call)
            best_ms = min(best_ms, 1e3 * (time.process_time() - began))
        tracemalloc.start()
        _refusal(call)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        found.append(Bomb(name, size_bytes, rule, best_ms, peak / 1e6))
    return found


def _refusal(call: Callable[[], object]) -> str:
    try:
        call()
    except CredentialError as refusal:
        return refusal.rule
    return "accepted"


def rows() -> list[tuple[str, str, str, str]]:
    """Every figure beside the peers', and what is asked."""
    peers = {
        "SD-JWT VC + key binding + status": ("openvc-core 1,248, @sd-jwt 7", ">= 1,400"),
        "mdoc, 3 elements + status": ("openvc-core 1,144, @auth0 199", ">= 950"),
    }
    table = [
        (f"{name} ({size:,} B) per s", *peers[name], f"{rate:,.0f}")
        for name, (size, rate) in presentation_rates().items()
    ]
    large = large_list()  # first: until a large block was freed, glibc returns each to the system
    for name, (size, rate) in list_rates().items():
        if name == "look-ups":
            table.append(("status look-ups per s", "697,000", "", f"{rate:,.0f}"))
            continue
        what = f"1 M statuses, {name} ({size:,} B): lists per s"
        table.append((what, "", ">= 1,000", f"{rate:,.0f}"))
    size, spent, held, peak = large
    what = f"100 M entries ({size / 1e3:,.0f} kB): load, held, peak"
    table.append((what, "", "bounded", f"{spent:.2f} s, {held:.1f} MB, {peak:.1f} MB"))
    for bomb in bombs():
        cost = f"{bomb.cpu_ms:.1f} ms, {bomb.peak_mb:.1f} MB: {bomb.rule}"
        table.append((f"bomb, {bomb.name}", "", "< 100 ms, 64 MB", cost))
    rss_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    table.append(("  RSS of all this at its highest", "", "", f"{rss_mb:.0f} MB"))
    return table
