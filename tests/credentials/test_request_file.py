"""Requests as JSON, for the stateless tool."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, x25519

from p2p.credentials.presentation import HolderProof, MdocRequest, NoReaderKey, SdJwtRequest
from p2p.credentials.request_file import read_request
from p2p.errors import InvalidInput
from tests.credentials.attempts import md
from tests.credentials.mdoc_issuer import Mdoc, openid_transcript
from tests.credentials.pki import DOC_TYPE, World, b64, cose_key, jwk, new_key

SD_JWT = {"format": "dc+sd-jwt", "audience": "a", "nonce": "n", "vct": "v"}
MDOC = {"format": "mso_mdoc", "doc_type": "d", "session_transcript": b64(openid_transcript())}


def private_jwk(key: Any) -> dict[str, str]:
    number = key.private_numbers().private_value
    return jwk(key) | {"d": b64(number.to_bytes(32, "big"))}


def test_an_sd_jwt_request() -> None:
    data = json.dumps(SD_JWT | {"transaction_data": ["x"]}).encode()
    assert read_request(data) == SdJwtRequest("a", "n", "v", ("x",))
    assert read_request(json.dumps(SD_JWT).encode()) == SdJwtRequest("a", "n", "v")


def test_what_programs_and_editors_add_does_no_harm() -> None:
    marked = b"\xef\xbb\xbf" + json.dumps(SD_JWT | {"transaction_data": None}).encode()
    assert read_request(marked) == SdJwtRequest("a", "n", "v")
    padded = MDOC | {"session_transcript": MDOC["session_transcript"] + "=="}
    assert read_request(json.dumps(padded).encode()) == MdocRequest("d", openid_transcript())


def test_an_mdoc_request() -> None:
    found = read_request(json.dumps(MDOC).encode())
    assert found == MdocRequest("d", openid_transcript(), NoReaderKey())


def test_an_mdoc_request_with_our_reader_key() -> None:
    key = new_key()
    found = read_request(json.dumps(MDOC | {"reader_key": private_jwk(key)}).encode())
    assert isinstance(found, MdocRequest)
    assert isinstance(found.reader_key, ec.EllipticCurvePrivateKey)
    assert found.reader_key.private_numbers() == key.private_numbers()


def montgomery_jwk(key: x25519.X25519PrivateKey) -> dict[str, str]:
    public, secret = key.public_key().public_bytes_raw(), key.private_bytes_raw()
    return {"kty": "OKP", "crv": "X25519", "x": b64(public), "d": b64(secret)}


def test_a_device_that_agrees_on_a_secret_over_x25519(world: World) -> None:
    holder, reader = (x25519.X25519PrivateKey.generate() for _ in range(2))
    request = {"doc_type": DOC_TYPE, "reader_key": montgomery_jwk(reader)}
    found = read_request(json.dumps(MDOC | request).encode())

    def bend(case: Mdoc) -> None:
        case.holder, case.reader_key = holder, reader
        case.device_info["deviceKey"] = cose_key(holder)

    assert md(world, bend, request=found).run().proof is HolderProof.DEVICE_MAC


MONTGOMERY = montgomery_jwk(x25519.X25519PrivateKey.generate())


@pytest.mark.parametrize(
    "bad",
    [
        [],
        {},
        {"format": []},
        SD_JWT | {"nonce": ""},
        SD_JWT | {"vct": 1},
        SD_JWT | {"transaction_data": [1]},
        SD_JWT | {"transaction_data": "x"},
        SD_JWT | {"transaction_data": False},
        MDOC | {"session_transcript": "=="},
        MDOC | {"session_transcript": "AA"},
        MDOC | {"doc_type": None},
        MDOC | {"reader_key": "x"},
        MDOC | {"reader_key": {}},
        MDOC | {"reader_key": jwk(new_key())},
        MDOC | {"reader_key": private_jwk(new_key()) | {"d": b64(b"\x01")}},
        MDOC | {"reader_key": private_jwk(new_key()) | {"d": b64(bytes(32))}},
        MDOC | {"reader_key": MONTGOMERY | {"d": b64(bytes(32))}},
        MDOC | {"reader_key": MONTGOMERY | {"d": b64(bytes(31))}},
        MDOC | {"reader_key": MONTGOMERY | {"d": 5}},
        MDOC | {"reader_key": MONTGOMERY | {"x": ""}},
        MDOC | {"reader_key": jwk(new_key("Ed25519")) | {"d": b64(bytes(32))}},
    ],
)
def test_what_is_no_request(bad: Any) -> None:
    with pytest.raises(InvalidInput):
        read_request(json.dumps(bad).encode())
