"""The rules a presented credential must satisfy, by stable name.

A refusal names exactly one of them, so that a user, a log and a test can say which promise was
broken. The number groups the names under the twenty rules of the design; the sentence is what
a person is told about the rule itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from p2p.errors import CredentialError


@dataclass(frozen=True, slots=True)
class Rule:
    """One promise of the verifier: its stable name, its number in the design, its sentence."""

    name: str
    number: int
    sentence: str


ALGORITHM: Final = Rule(
    "algorithm", 1, "The signature algorithm is one that this kind of key may use."
)
TYPE: Final = Rule("type", 2, "The token says exactly what kind of token it is.")
CRITICAL_HEADER: Final = Rule(
    "critical-header", 3, "A header that must be understood is understood."
)
ISSUER_TRUST: Final = Rule(
    "issuer-trust", 4, "The issuer's key leads to one of our own trust anchors."
)
CERTIFICATE: Final = Rule(
    "certificate", 5, "Each certificate is used for what it was made for, where and when it may be."
)
SIGNATURE_FORM: Final = Rule(
    "signature-form", 6, "A signature has the fixed length of its curve and no part of it is zero."
)
SIGNATURE: Final = Rule(
    "signature", 6, "The signature verifies under the key it must verify under."
)
KEY_FORM: Final = Rule("key-form", 1, "A public key is complete, well-formed and on its curve.")
ENCODING: Final = Rule(
    "encoding", 7, "Text is canonical base64url, UTF-8, JSON or CBOR as its format prescribes."
)
DUPLICATE: Final = Rule("duplicate-member", 7, "No name occurs twice in a map.")
TRAILING: Final = Rule("trailing-bytes", 7, "Nothing follows the value.")
DEPTH: Final = Rule("depth", 7, "Values are nested only so deep.")
LENGTH: Final = Rule("length", 7, "A value is as long as it says, and no longer than allowed.")
SHAPE: Final = Rule("shape", 7, "Every required member is there and has the right type.")
DIGEST: Final = Rule(
    "digest", 8, "What is disclosed hashes, as the bytes received, to a digest the issuer signed."
)
DISCLOSURE: Final = Rule(
    "disclosure", 9, "Every disclosure is referenced exactly once and overwrites nothing."
)
DISCLOSURE_PROTECTED: Final = Rule(
    "disclosure-protected",
    9,
    "What decides whether the credential is valid is never selectively disclosed.",
)
VALIDITY: Final = Rule("validity", 9, "The credential is valid at the time of verification.")
CREDENTIAL_TYPE: Final = Rule(
    "credential-type", 9, "The credential is of the type that was asked for."
)
KEY_BINDING: Final = Rule(
    "key-binding", 10, "The holder proves possession of the key that the issuer bound."
)
AUDIENCE: Final = Rule(
    "audience", 10, "The holder's proof is addressed to us, and the credential to nobody else."
)
NONCE: Final = Rule("nonce", 10, "The holder's proof answers our nonce.")
KEY_BINDING_TIME: Final = Rule("key-binding-time", 10, "The holder's proof was made just now.")
KEY_BINDING_HASH: Final = Rule(
    "key-binding-hash", 10, "The holder's proof covers exactly what was presented."
)
TRANSACTION_DATA: Final = Rule(
    "transaction-data", 10, "The holder agreed to exactly the transaction that was asked for."
)
NAMESPACE: Final = Rule(
    "namespace", 11, "Each element's namespace and digest number are in the issuer's list, once."
)
DOC_TYPE: Final = Rule("doc-type", 11, "Request, document and issuer name the same document type.")
DEVICE_AUTHENTICATION: Final = Rule(
    "device-authentication", 12, "The device proves, once and for this session, that it is present."
)
DEVICE_SIGNED: Final = Rule(
    "device-signed", 13, "The device asserts only what the issuer allows it to assert."
)
STATUS_TOKEN: Final = Rule(
    "status-token", 14, "A status list is a complete token of the right type."
)
STATUS_SIGNATURE: Final = Rule(
    "status-signature", 14, "A status list is signed by a status signer under our anchor."
)
STATUS_SUBJECT: Final = Rule(
    "status-subject", 14, "A status list is about exactly the address the credential names."
)
STATUS_EXPIRED: Final = Rule("status-expired", 14, "A status list is within its own lifetime.")
STATUS_SIZE: Final = Rule("status-size", 14, "A status list inflates to a bounded size.")
STATUS_STREAM: Final = Rule(
    "status-stream", 14, "A compressed status list is complete and nothing follows it."
)
STATUS_BITS: Final = Rule("status-bits", 14, "A status takes 1, 2, 4 or 8 bits.")
STATUS_INDEX: Final = Rule("status-index", 14, "The credential's index lies within its list.")
STATUS_ROLLBACK: Final = Rule(
    "status-rollback", 14, "A status list is not older than one that was already seen."
)
STATUS_UNKNOWN: Final = Rule(
    "status-unknown", 15, "A credential whose status is unknown does not count as valid."
)
STATUS_REVOKED: Final = Rule("status-revoked", 15, "The credential was not revoked or suspended.")
NONCE_USED: Final = Rule("nonce-used", 16, "A nonce proves one presentation only.")
CLOCK: Final = Rule("clock", 17, "The clock is not behind what is already known to have happened.")
NO_FETCH: Final = Rule("no-fetch", 18, "Nothing is fetched from an address inside a credential.")
OPAQUE_IMAGE: Final = Rule(
    "opaque-image", 19, "An image is handed on as bytes of bounded size and never parsed."
)
DISPLAY: Final = Rule(
    "display", 20, "The issuer has a name that can be shown without deceiving the reader."
)

RULES: Final[tuple[Rule, ...]] = (
    ALGORITHM, KEY_FORM, TYPE, CRITICAL_HEADER, ISSUER_TRUST, CERTIFICATE,
    SIGNATURE_FORM, SIGNATURE, ENCODING, DUPLICATE, TRAILING, DEPTH, LENGTH, SHAPE, DIGEST,
    DISCLOSURE, DISCLOSURE_PROTECTED, VALIDITY, CREDENTIAL_TYPE,
    KEY_BINDING, AUDIENCE, NONCE, KEY_BINDING_TIME, KEY_BINDING_HASH, TRANSACTION_DATA,
    NAMESPACE, DOC_TYPE, DEVICE_AUTHENTICATION, DEVICE_SIGNED,
    STATUS_TOKEN, STATUS_SIGNATURE, STATUS_SUBJECT, STATUS_EXPIRED, STATUS_SIZE, STATUS_STREAM,
    STATUS_BITS, STATUS_INDEX, STATUS_ROLLBACK, STATUS_UNKNOWN, STATUS_REVOKED,
    NONCE_USED, CLOCK, NO_FETCH, OPAQUE_IMAGE, DISPLAY,
)  # fmt: skip
"""Every rule, in the order of the design."""


def refused(rule: Rule, message: str) -> CredentialError:
    """The exception that says which rule a credential broke, ready to be raised."""
    return CredentialError(rule.name, message)
