"""Device responses for the tests, right until they are bent."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tests.credentials.pki import (
    AUDIENCE,
    DAY,
    DOC_TYPE,
    LIST_URI,
    NONCE,
    NOW,
    SPACE,
    Party,
    World,
    cose_alg,
    cose_key,
    moment,
    sign,
)

# --- mdoc ----------------------------------------------------------------------------------------


def embedded(value: Any) -> cbor2.CBORTag:
    return cbor2.CBORTag(24, value if isinstance(value, bytes) else cbor2.dumps(value))


def tdate(seconds: int) -> cbor2.CBORTag:
    return cbor2.CBORTag(0, moment(seconds).strftime("%Y-%m-%dT%H:%M:%SZ"))


def sign1(protected: Any, unprotected: Any, payload: bytes, key: Any, *, attached: bool) -> list:
    """A COSE_Sign1; ``protected`` may be bytes, to break its form."""
    head = protected if isinstance(protected, bytes) else cbor2.dumps(protected)
    covered = cbor2.dumps(["Signature1", b"" if head == b"\xa0" else head, b"", payload])
    return [head, unprotected, payload if attached else None, sign(key, covered)]


def openid_transcript(nonce: str = NONCE) -> bytes:
    info = hashlib.sha256(cbor2.dumps([AUDIENCE, nonce, None, "https://shop.example/r"]))
    return cbor2.dumps([None, None, ["OpenID4VPHandover", info.digest()]])


class Mdoc:
    """A device response that is right until it is bent: change any attribute before ``build``."""

    def __init__(self, world: World) -> None:
        self.signer = world.signer
        self.holder = world.holder
        self.doc_type = DOC_TYPE
        self.elements: dict[str, list[tuple[str, Any]]] = {
            SPACE: [
                ("family_name", "Jones"),
                ("age_over_18", True),
                ("birth_date", cbor2.CBORTag(1004, "1990-05-17")),
                ("portrait", b"\xff\xd8 no real image"),
            ]
        }
        self.hash = "SHA-256"
        self.transcript = openid_transcript()
        self.asserted: Any = {}
        self.device_info: dict[str, Any] = {"deviceKey": cose_key(self.holder)}
        self.validity: dict[str, Any] = {
            "signed": tdate(NOW - DAY),
            "validFrom": tdate(NOW - DAY),
            "validUntil": tdate(NOW + 10 * DAY),
        }
        self.issuer_protected: Any = {1: cose_alg(self.signer.key)}
        self.issuer_unprotected: dict[Any, Any] = {33: self.signer.chain[0]}
        self.device_protected: Any = {1: cose_alg(self.holder)}
        self.reader_key: Any = None
        self.bend_items: Callable[[dict[str, list[Any]]], Any] = lambda items: items
        self.bend_object: Callable[[dict[str, Any]], Any] = lambda signed: signed
        self.bend_document: Callable[[dict[str, Any]], Any] = lambda document: document
        self.bend_response: Callable[[dict[str, Any]], Any] = lambda response: response

    def with_signer(self, signer: Party) -> Mdoc:
        self.signer = signer
        self.issuer_protected = {1: cose_alg(signer.key)}
        chain = signer.chain
        self.issuer_unprotected = {33: chain if len(chain) > 1 else chain[0]}
        return self

    def with_holder(self, key: Any) -> Mdoc:
        self.holder = key
        self.device_info["deviceKey"] = cose_key(key)
        self.device_protected = {1: cose_alg(key)}
        return self

    def with_status(self, index: int = 3, uri: str = LIST_URI) -> Mdoc:
        reference = {"status_list": {"idx": index, "uri": uri}}
        self.bend_object = lambda signed: signed | {"status": reference}
        return self

    def document(self) -> dict[str, Any]:
        items = {
            space: [
                embedded({
                    "digestID": number,
                    "random": hashlib.sha256(f"{space}{number}".encode()).digest()[:16],
                    "elementIdentifier": identifier,
                    "elementValue": value,
                })
                for number, (identifier, value) in enumerate(listed)
            ]
            for space, listed in self.elements.items()
        }  # fmt: skip
        algorithm = self.hash.replace("-", "").lower()
        signed = self.bend_object({
            "version": "1.0",
            "digestAlgorithm": self.hash,
            "valueDigests": {
                space: {
                    number: hashlib.new(algorithm, cbor2.dumps(item)).digest()
                    for number, item in enumerate(listed)
                }
                for space, listed in items.items()
            },
            "deviceKeyInfo": self.device_info,
            "docType": self.doc_type,
            "validityInfo": self.validity,
        })  # fmt: skip
        payload = cbor2.dumps(embedded(signed))
        issuer_auth = sign1(
            self.issuer_protected, self.issuer_unprotected, payload, self.signer.key, attached=True
        )
        asserted = embedded(self.asserted)
        document = {
            "docType": self.doc_type,
            "issuerSigned": {
                "nameSpaces": self.bend_items(copy.copy(items)), "issuerAuth": issuer_auth,
            },
            "deviceSigned": {"nameSpaces": asserted, "deviceAuth": self.proof(asserted)},
        }  # fmt: skip
        return self.bend_document(document)

    def proof(self, asserted: Any) -> dict[str, Any]:
        authentication = [
            "DeviceAuthentication", cbor2.loads(self.transcript), self.doc_type, asserted,
        ]  # fmt: skip
        covered = cbor2.dumps(embedded(authentication))
        if self.reader_key is None:
            return {
                "deviceSignature": sign1(
                    self.device_protected, {}, covered, self.holder, attached=False
                )
            }
        salt = hashlib.sha256(cbor2.dumps(embedded(self.transcript))).digest()
        if isinstance(self.holder, ec.EllipticCurvePrivateKey):
            secret = self.holder.exchange(ec.ECDH(), self.reader_key.public_key())
        else:
            secret = self.holder.exchange(self.reader_key.public_key())
        key = HKDF(hashes.SHA256(), 32, salt, b"EMacKey").derive(secret)
        head = cbor2.dumps({1: 5})
        code = hmac.HMAC(key, hashes.SHA256())
        code.update(cbor2.dumps(["MAC0", head, b"", covered]))
        return {"deviceMac": [head, {}, None, code.finalize()]}

    def build(self) -> bytes:
        response = {"version": "1.0", "documents": [self.document()], "status": 0}
        bent = self.bend_response(response)
        return bent if isinstance(bent, bytes) else cbor2.dumps(bent)
