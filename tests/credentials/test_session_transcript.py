"""The published examples of OpenID4VP 1.0, appendix B.2.6, byte for byte."""

from __future__ import annotations

from typing import Any

import pytest

from p2p.credentials.session_transcript import (
    jwk_thumbprint,
    openid4vp_browser_transcript,
    openid4vp_transcript,
)
from p2p.errors import InvalidInput

ENCRYPTION_KEY: dict[str, Any] = {
    "kty": "EC",
    "crv": "P-256",
    "x": "DxiH5Q4Yx3UrukE2lWCErq8N8bqC9CHLLrAwLz5BmE0",
    "y": "XtLM4-3h5o3HUH0MHVJV0kyq0iBlrBwlh8qEDMZ4-Pc",
    "use": "enc",
    "alg": "ECDH-ES",
    "kid": "1",
}
NONCE = "exc7gBkxjx1rdc9udRrveKvSsJIq80avlXeLHhGwqtA"


def test_the_thumbprint() -> None:
    expected = "4283ec927ae0f208daaa2d026a814f2b22dca52cf85ffa8f3f8626c6bd669047"
    assert jwk_thumbprint(ENCRYPTION_KEY).hex() == expected


def test_by_redirect() -> None:
    transcript = openid4vp_transcript(
        "x509_san_dns:example.com",
        NONCE,
        "https://example.com/response",
        jwk_thumbprint(ENCRYPTION_KEY),
    )
    assert transcript.hex() == (
        "83f6f682714f70656e494434565048616e646f7665725820048bc053c00442af9b8e"
        "ed494cefdd9d95240d254b046b11b68013722aad38ac"
    )


def test_by_the_digital_credentials_api() -> None:
    transcript = openid4vp_browser_transcript(
        "https://example.com", NONCE, jwk_thumbprint(ENCRYPTION_KEY)
    )
    assert transcript.hex() == (
        "83f6f682764f70656e4944345650444341504948616e646f7665725820fbece366f4"
        "212f9762c74cfdbf83b8c69e371d5d68cea09cb4c48ca6daab761a"
    )


def test_an_edwards_thumbprint() -> None:
    """The example of RFC 8037 appendix A.3."""
    key: dict[str, Any] = {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    }
    assert jwk_thumbprint(key).hex().startswith("90facafea9b1556698540f70c0117a22")


@pytest.mark.parametrize("key", [{}, {"kty": 1}, {"kty": "EC", "crv": "P-256"}, {"kty": "oct"}])
def test_no_thumbprint_of_half_a_key(key: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        jwk_thumbprint(key)
