"""A small issuer of its own for the tests: PKI, SD-JWT VC, mdoc and status lists.

It shares no code with the verifier: JSON and base64 come from the standard library, CBOR from
cbor2, X.509 from cryptography. Every part can be bent before it is signed.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from dataclasses import dataclass, field
from typing import Any

import cbor2

from tests.credentials.mdoc_issuer import sign1
from tests.credentials.pki import (
    AUDIENCE,
    DAY,
    LIST_URI,
    NONCE,
    NOW,
    VCT,
    Party,
    World,
    b64,
    cose_alg,
    jose_alg,
    jtext,
    jwk,
    sign,
)

# --- JWS and SD-JWT VC ---------------------------------------------------------------------------


def compact(header: Any, payload: Any, key: Any) -> str:
    """A compact JWS; header and payload may be bytes, to break their form."""
    parts = [b64(each if isinstance(each, bytes) else jtext(each)) for each in (header, payload)]
    signed = ".".join(parts)
    return f"{signed}.{b64(sign(key, signed.encode()))}"


def x5c(party: Party) -> list[str]:
    return [base64.b64encode(each).decode() for each in party.chain]


def digest(text: str, algorithm: str = "sha256") -> str:
    return b64(hashlib.new(algorithm, text.encode()).digest())


def disclosure(*parts: Any) -> str:
    return b64(jtext(list(parts)))


class SdJwt:
    """A presentation that is right until it is bent: change any attribute before ``build``."""

    def __init__(self, world: World) -> None:
        self.signer = world.signer
        self.holder = world.holder
        self.header: dict[str, Any] = {
            "alg": jose_alg(self.signer.key), "typ": "dc+sd-jwt", "x5c": x5c(self.signer),
        }  # fmt: skip
        self.disclosures = [
            disclosure("salt-1", "given_name", "Ava"),
            disclosure("salt-2", "age_over_18", True),
        ]
        self.payload: dict[str, Any] = {
            "iss": "https://issuer.example",
            "iat": NOW - DAY,
            "exp": NOW + 10 * DAY,
            "vct": VCT,
            "cnf": {"jwk": jwk(self.holder)},
            "_sd_alg": "sha-256",
            "_sd": [digest(each) for each in self.disclosures] + [digest("decoy")],
        }
        self.binding_header: dict[str, Any] = {"alg": jose_alg(self.holder), "typ": "kb+jwt"}
        self.binding: dict[str, Any] = {"iat": NOW - 2, "aud": AUDIENCE, "nonce": NONCE}
        self.hash = "sha256"

    def with_signer(self, signer: Party) -> SdJwt:
        self.signer = signer
        self.header |= {"alg": jose_alg(signer.key), "x5c": x5c(signer)}
        return self

    def with_holder(self, key: Any) -> SdJwt:
        self.holder = key
        self.payload["cnf"] = {"jwk": jwk(key)}
        self.binding_header["alg"] = jose_alg(key)
        return self

    def with_status(self, index: int = 3, uri: str = LIST_URI) -> SdJwt:
        self.payload["status"] = {"status_list": {"idx": index, "uri": uri}}
        return self

    def hide(self, *parts: Any) -> str:
        """Add a disclosure and give its digest, for the caller to place."""
        self.disclosures.append(disclosure(*parts))
        return digest(self.disclosures[-1], self.hash)

    def issued(self) -> str:
        return compact(self.header, self.payload, self.signer.key)

    def covered(self) -> str:
        return "~".join([self.issued(), *self.disclosures, ""])

    def build(self) -> bytes:
        covered = self.covered()
        binding = {"sd_hash": digest(covered, self.hash)} | self.binding
        return (covered + compact(self.binding_header, binding, self.holder)).encode()


# --- status lists --------------------------------------------------------------------------------


def packed(statuses: dict[int, int], bits: int = 2, count: int = 1024) -> bytes:
    """The bit array of draft-20 section 4.1, not yet compressed."""
    array = bytearray(count * bits // 8)
    for index, value in statuses.items():
        position, offset = divmod(index * bits, 8)
        array[position] |= value << offset
    return bytes(array)


@dataclass
class StatusToken:
    """A status list token that is right until it is bent."""

    signer: Party
    statuses: dict[int, int] = field(default_factory=lambda: {7: 1, 8: 2})
    bits: int = 2
    uri: str = LIST_URI
    issued_at: int = NOW - 3600
    changes: dict[Any, Any] = field(default_factory=dict)
    header: dict[Any, Any] = field(default_factory=dict)
    compressed: bytes | None = None

    def stream(self) -> bytes:
        if self.compressed is not None:
            return self.compressed
        return zlib.compress(packed(self.statuses, self.bits if self.bits in (1, 2, 4, 8) else 1))

    def jwt(self) -> bytes:
        header = {
            "alg": jose_alg(self.signer.key),
            "typ": "statuslist+jwt",
            "x5c": x5c(self.signer),
        }
        payload = {
            "sub": self.uri, "iat": self.issued_at, "exp": NOW + DAY, "ttl": 43_200,
            "status_list": {"bits": self.bits, "lst": b64(self.stream())},
        }  # fmt: skip
        return compact(header | self.header, payload | self.changes, self.signer.key).encode()

    def cwt(self) -> bytes:
        protected = {1: cose_alg(self.signer.key), 16: "application/statuslist+cwt"} | self.header
        claims = {
            2: self.uri, 6: self.issued_at, 4: NOW + DAY, 65534: 43_200,
            65533: {"bits": self.bits, "lst": self.stream()},
        } | self.changes  # fmt: skip
        message = sign1(
            protected, {33: self.signer.chain[0]}, cbor2.dumps(claims), self.signer.key,
            attached=True,
        )  # fmt: skip
        return cbor2.dumps(cbor2.CBORTag(18, message))
