"""Requests as JSON, for the stateless tool."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from p2p.credentials.presentation import MdocRequest, NoReaderKey, SdJwtRequest
from p2p.credentials.request_file import read_request
from p2p.errors import InvalidInput
from tests.credentials.mdoc_issuer import openid_transcript
from tests.credentials.pki import b64, jwk, new_key

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
        MDOC | {"reader_key": jwk(new_key("Ed25519")) | {"d": b64(bytes(32))}},
    ],
)
def test_what_is_no_request(bad: Any) -> None:
    with pytest.raises(InvalidInput):
        read_request(json.dumps(bad).encode())
