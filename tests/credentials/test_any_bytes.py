"""Any bytes give a verdict: a verified value or a named refusal, never another exception."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import cbor2
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from p2p.credentials import cbor, encoding, limits, rules
from p2p.credentials.cbor import decode
from p2p.credentials.encoding import base64_decode, base64url_decode, decode_json
from p2p.credentials.presentation import Verified
from p2p.credentials.status_list import StatusList, StatusReader
from p2p.credentials.trust_lists import read_lote, read_vical
from p2p.credentials.x509_trust import DOCUMENT_SIGNER
from p2p.errors import CredentialError
from tests.credentials.attempts import md, sd, trusting
from tests.credentials.issuer import SdJwt, StatusToken
from tests.credentials.mdoc_issuer import Mdoc
from tests.credentials.pki import NOW, SPACE, new_world

RULE_NAMES = {rule.name for rule in rules.RULES}
WORLD = new_world()
TRUST = trusting(WORLD.root)
SD_JWT, MDOC = SdJwt(WORLD).build(), Mdoc(WORLD).build()
JWT, CWT = StatusToken(WORLD.status).jwt(), StatusToken(WORLD.status).cwt()
FUZZ = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)

EDITS = st.lists(
    st.tuples(
        st.sampled_from(["flip", "cut", "insert", "repeat", "end"]),
        st.integers(0, 1 << 16),
        st.integers(1, 64),
        st.binary(max_size=12),
    ),
    min_size=1,
    max_size=4,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["_sd", "...", "jwk", "uri", "idx", "x"]), inner, max_size=3
        )
    ),
    max_leaves=6,
)
CBOR = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), 1 << 63) | st.floats() | st.text(max_size=8)
    | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=4) | st.integers(-5, 40), inner, max_size=3)
    | st.builds(cbor2.CBORTag, st.sampled_from([0, 1, 2, 17, 18, 24, 1004]), inner),
    max_leaves=6,
)  # fmt: skip


def edited(data: bytes, edits: list[tuple[str, int, int, bytes]]) -> bytes:
    for kind, where, size, new in edits:
        at = where % (len(data) + 1)
        match kind:
            case "flip":
                data = data[:at] + bytes(b ^ size for b in data[at : at + 1]) + data[at + 1 :]
            case "cut":
                data = data[:at] + data[at + size :]
            case "insert":
                data = data[:at] + new + data[at:]
            case "repeat":
                data = data[: at + size] + data[at:]
            case _:
                data = data[:at]
    return data


def value_of(call: Callable[[], Any]) -> Any:
    """What a call gives, or the name of the rule that it refuses by."""
    try:
        return call()
    except CredentialError as exc:
        return exc.rule


def gives_a_verdict(attempt: Callable[[], Any]) -> None:
    found = value_of(attempt)
    assert isinstance(found, Verified | StatusList) or found in RULE_NAMES


@FUZZ
@given(EDITS)
def test_an_edited_sd_jwt(edits: Any) -> None:
    gives_a_verdict(sd(WORLD, raw=lambda _: edited(SD_JWT, edits)).run)


@FUZZ
@given(EDITS)
def test_an_edited_mdoc(edits: Any) -> None:
    gives_a_verdict(md(WORLD, raw=lambda _: edited(MDOC, edits)).run)


@FUZZ
@given(st.binary(max_size=200))
@example(b"\xbf\x9f\x5f\x7f")
def test_arbitrary_bytes(data: bytes) -> None:
    gives_a_verdict(sd(WORLD, raw=lambda _: data).run)
    gives_a_verdict(md(WORLD, raw=lambda _: data).run)
    for call in (
        lambda: decode(data, "It"),
        lambda: decode_json(data, "It"),
        lambda: base64url_decode(data.decode("latin-1"), "It"),
        lambda: read_vical(data, TRUST, NOW),
        lambda: read_lote(data.decode("latin-1"), TRUST, NOW),
    ):
        value_of(call)


@FUZZ
@given(st.sampled_from([JWT, CWT]), EDITS)
def test_an_edited_status_list(token: bytes, edits: Any) -> None:
    gives_a_verdict(lambda: StatusReader(TRUST).read(edited(token, edits), NOW))


@settings(FUZZ, max_examples=600)
@given(
    st.lists(st.tuples(st.integers(0, 1 << 10), st.integers(1, 255)), min_size=1, max_size=3),
    st.booleans(),
)
def test_an_edited_certificate(flips: list[tuple[int, int]], helper: bool) -> None:
    """Names, dates and extensions of any content; the certificate itself or one beside it."""
    good = WORLD.signer.chain[0]
    bent = bytearray(good)
    for where, bits in flips:
        bent[where % len(bent)] ^= bits
    chain = [good, bytes(bent)] if helper else [bytes(bent)]
    found = value_of(lambda: TRUST.signer(chain, DOCUMENT_SIGNER, NOW, NOW))
    if isinstance(found, str):
        assert found in RULE_NAMES
    else:
        assert helper or bytes(bent) == good


@FUZZ
@given(
    st.sampled_from(["payload", "header", "binding", "binding_header"]),
    st.sampled_from(
        ["alg", "typ", "x5c", "crit", "iss", "iat", "exp", "nbf", "vct", "aka_vcts", "cnf",
         "status", "_sd", "_sd_alg", "more", "aud", "nonce", "sd_hash", "transaction_data_hashes"]
    ),
    JSON,
)  # fmt: skip
def test_a_signed_sd_jwt_with_any_member(part: str, name: str, value: Any) -> None:
    """Bent before it is signed, so that the fuzz reaches what lies behind the signatures."""

    def bend(case: SdJwt) -> None:
        getattr(case, part)[name] = value

    gives_a_verdict(sd(WORLD, bend).run)


@FUZZ
@given(st.lists(JSON, max_size=3), st.booleans())
def test_a_signed_disclosure_of_anything(parts: list[Any], inside_list: bool) -> None:
    def bend(case: SdJwt) -> None:
        digest = case.hide(*parts)
        if inside_list:
            case.payload["list"] = [{"...": digest}]
        else:
            case.payload["_sd"].append(digest)

    gives_a_verdict(sd(WORLD, bend).run)


@FUZZ
@given(
    st.sampled_from(
        ["version", "digestAlgorithm", "valueDigests", "deviceKeyInfo", "docType", "validityInfo",
         "status"]
    ),
    CBOR,
)  # fmt: skip
def test_a_signed_object_with_any_member(name: str, value: Any) -> None:
    def bend(case: Mdoc) -> None:
        case.bend_object = lambda signed: signed | {name: value}

    gives_a_verdict(md(WORLD, bend).run)


@FUZZ
@given(
    st.sampled_from(
        ["validity", "device_info", "issuer_protected", "issuer_unprotected", "device_protected"]
    ),
    st.sampled_from(["signed", "validUntil", "deviceKey", "keyAuthorizations", 1, 2, 33, 35]),
    CBOR,
)
def test_signed_parts_with_any_member(part: str, name: Any, value: Any) -> None:
    def bend(case: Mdoc) -> None:
        getattr(case, part)[name] = value

    gives_a_verdict(md(WORLD, bend).run)


@FUZZ
@given(
    st.sampled_from(
        ["documents", "status", "version", "issuerSigned", "deviceSigned", "nameSpaces"]
    ),
    CBOR,
)
def test_unsigned_parts_of_any_shape(name: str, value: Any) -> None:
    def bend(case: Mdoc) -> None:
        if name in ("documents", "status", "version"):
            case.bend_response = lambda r: r | {name: value}
        elif name == "nameSpaces":
            case.bend_items = lambda items: {SPACE: [value], "x": items}
        else:
            case.bend_document = lambda d: d | {name: value}

    gives_a_verdict(md(WORLD, bend).run)


@FUZZ
@given(CBOR)
def test_our_reader_agrees_with_another(value: Any) -> None:
    """What both read, both read as the same."""
    ours = value_of(lambda: decode(cbor2.dumps(value), "It"))
    if isinstance(value, bytes | bool) or (isinstance(value, int) and abs(value) < 1 << 63):
        assert ours == value


def outcome(read: Callable[[], object]) -> str:
    """What a reader gives, with its type: 1, 1.0 and True are three values here."""
    try:
        return repr(read())
    except CredentialError as refusal:
        return refusal.rule


def strictly(data: bytes) -> str:
    """What the strict JSON reader gives, without the quick one before it."""

    def read() -> object:
        encoding._bound_json(data, "It", limits.JSON_VALUES_MAX)
        return encoding._decode_strictly(data, "It")

    return outcome(read)


WRITTEN_TWICE = [
    b'{"a":1,"a":1}', b'{"a":1,"a":2}', b'[{"b":{"a":1,"a":1}}]', b'{"a":1,"\\u0061":1}', b"1 ",
    b" 1", b"[1]]", b"[1,]", b"-0", b"-0.0", b"0.0", b"1.0", b"1.00", b"1e5", b"1e400", b"1E400",
    b"100000.0", b"9007199254740993", b"18446744073709551615", b"18446744073709551616",
    b"-9223372036854775808", b"-9223372036854775809", b"1" * 40, b"1" * 41, b"01",
    b'{"a":' + b"1" * 41 + b"}", b"+1", b"NaN",
    b"Infinity", b"-Infinity", b'"\\/"', b'"/"', b'"\\n"', b'"\n"', b'"\\u000a"', b'"\\u001f"',
    b'"\\u001F"', b'"\x7f"', b'"\\ud800"', b'"\\ud83d\\ude00"', b'"\xed\xa0\x80"', b'"\xff"',
    b'"\xc3\xa9"', b'"\\u00e9"', b"\xef\xbb\xbf1", b'"\xe2\x80\xa8"', b"", b"nul", b"null", b"true",
    b"2.5e-324", b"5e-324", b"1.7976931348623157e308", b"0.1", b"0.10000000000000001", b'"\x00"',
    b"[" * 33 + b"]" * 33, b"[" * 32 + b"]" * 32, b'{"":""}',
]  # fmt: skip


@pytest.mark.parametrize("data", WRITTEN_TWICE)
def test_a_json_text_has_one_reading_whoever_reads_it(data: bytes) -> None:
    assert outcome(lambda: decode_json(data, "It")) == strictly(data)


@FUZZ
@given(JSON, st.booleans(), st.sampled_from([(",", ":"), (", ", ": ")]), EDITS | st.just([]))
def test_the_quick_json_reader_agrees_with_the_strict_one(
    value: Any, ascii_only: bool, separators: tuple[str, str], edits: Any
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, separators=separators)
    data = edited(text.encode("utf-8", "surrogatepass"), edits)
    assert outcome(lambda: decode_json(data, "It")) == strictly(data)


@FUZZ
@given(st.binary(max_size=80), st.text('Az09+/-_="\\ \n!.é', max_size=3), st.integers(0, 110))
@example(b"", "\\u0041AAA"[:3], 0)
@example(b"", '"', 0)
def test_base64_is_what_its_bytes_are_written_as(data: bytes, put: str, at: int) -> None:
    plain = base64.b64encode(data).decode()
    url_safe = base64.urlsafe_b64encode(data).decode().rstrip("=")
    assert base64_decode(plain, "It") == base64url_decode(url_safe, "It") == data
    for text in (plain[:at] + put + plain[at:], plain[:at] + put + plain[at + len(put) :]):
        found = value_of(partial(base64_decode, text, "It"))
        assert found == "encoding" or base64.b64encode(found).decode() == text
    for text in (url_safe[:at] + put + url_safe[at:], url_safe[:at] + put, plain):
        found = value_of(partial(base64url_decode, text, "It"))
        assert found == "encoding" or base64.urlsafe_b64encode(found).decode().rstrip("=") == text


@FUZZ
@given(CBOR, EDITS | st.just([]))
def test_counting_items_changes_nothing_else(value: Any, edits: Any) -> None:
    data = edited(cbor2.dumps(value), edits)

    def counting() -> object:
        reader = cbor._CountingReader(data, "It", len(data))
        found = reader.item(0)
        return found if reader.position == len(data) else value_of(lambda: decode(data, "It"))

    try:
        counted = outcome(counting)
    except UnicodeDecodeError:
        counted = "encoding"
    plain = outcome(lambda: decode(data, "It"))
    assert plain == counted or plain == "trailing-bytes"


@pytest.mark.parametrize(
    "data", [b"\x83\x01\x02\x03", b"\xa2\x01\x02\x03\x04", b"\x5f\x40\x40\xff"]
)
def test_one_item_too_many(data: bytes) -> None:
    items = {0x83: 4, 0xA2: 5, 0x5F: 3}[data[0]]
    if items < len(data):
        decode(data, "It", items)
    with pytest.raises(CredentialError) as caught:
        decode(data, "It", items - 1)
    assert caught.value.rule == "length"


@FUZZ
@given(
    st.sampled_from(["sub", "iat", "exp", "nbf", "ttl", "status_list", 2, 4, 5, 6, 65533, 65534]),
    JSON,
)
def test_a_signed_status_list_with_any_claim(name: Any, value: Any) -> None:
    form = "jwt" if isinstance(name, str) else "cwt"
    token = getattr(StatusToken(WORLD.status, changes={name: value}), form)()
    gives_a_verdict(lambda: StatusReader(TRUST).read(token, NOW))


def test_the_fuzz_starts_from_what_verifies() -> None:
    assert sd(WORLD, raw=lambda _: SD_JWT).run()
    assert md(WORLD, raw=lambda _: MDOC).run()
    with pytest.raises(CredentialError):
        StatusReader(TRUST).read(edited(JWT, [("end", 9, 1, b"")]), NOW)
