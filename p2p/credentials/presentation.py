"""What is asked of a holder, and what a verified answer says.

A request is built by us, never read from the answer. A :class:`Verified` value exists only when
every rule held; it has no room for claims of anything that failed.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Final, TypeAlias

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, x25519

from p2p.credentials import limits
from p2p.credentials.cbor import CborKey, CborScalar, Embedded, Simple, Tagged
from p2p.credentials.encoding import JsonValue, base64url_encode
from p2p.credentials.rules import DISPLAY, LENGTH, OPAQUE_IMAGE, refused

SD_JWT_FORMAT: Final = "dc+sd-jwt"
MDOC_FORMAT: Final = "mso_mdoc"

ClaimList: TypeAlias = "Sequence[ClaimValue]"
ClaimMap: TypeAlias = "Mapping[str, ClaimValue] | Mapping[CborKey, ClaimValue]"
ClaimValue: TypeAlias = "CborScalar | Embedded | Tagged | ClaimList | ClaimMap"
Claims: TypeAlias = "Mapping[str, ClaimValue]"
ReaderKey: TypeAlias = ec.EllipticCurvePrivateKey | x25519.X25519PrivateKey

_IMAGES: Final = frozenset(
    {
        "portrait",
        "picture",
        "enrolment_portrait_image",
        "enrollment_portrait_image",
        "signature_usual_mark",
        "biometric_template_face",
        "biometric_template_finger",
        "biometric_template_signature_sign",
        "biometric_template_iris",
    }
)
"""Elements of ISO 18013-5 table 5 and of the EU's PID rulebook that hold image data."""
_DECEPTIVE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that have no place in a name: controls, direction marks, line breaks."""


@dataclass(frozen=True, slots=True)
class SdJwtRequest:
    """What was asked for as an SD-JWT VC, and the proof that must come with it.

    ``transaction_data`` are the base64url texts of OpenID4VP section 8.4, in the order sent.
    """

    audience: str
    nonce: str
    vct: str
    transaction_data: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NoReaderKey:
    """There is no ephemeral reader key, so a device can only sign, not authenticate by MAC."""


@dataclass(frozen=True, slots=True)
class MdocRequest:
    """What was asked for as an mdoc.

    ``session_transcript`` is the CBOR of the transcript that we built for this session, bare or
    under tag 24; ``reader_key`` is our ephemeral private key where there is one.
    """

    doc_type: str
    session_transcript: bytes
    reader_key: ReaderKey | NoReaderKey = field(default_factory=NoReaderKey)


Request: TypeAlias = SdJwtRequest | MdocRequest


class HolderProof(Enum):
    """How the holder showed to be present in this session."""

    KEY_BINDING = "key-binding"
    DEVICE_SIGNATURE = "device-signature"
    DEVICE_MAC = "device-mac"


class StatusState(StrEnum):
    """What is known about revocation; anything but ``VALID`` is not valid."""

    VALID = "valid"
    REVOKED = "revoked"
    UNKNOWN = "unknown"


class StatusReport(msgspec.Struct, frozen=True):
    """The credential's status, in words the reason, and how old the list is.

    ``age_s`` is None where no list was used.
    """

    state: StatusState
    reason: str
    age_s: int | None = None


class TrustReport(msgspec.Struct, frozen=True):
    """The anchor that the issuer leads to, and how old our knowledge of it is.

    ``as_of`` (seconds since 1970) and ``age_s`` are None where the anchor was never dated.
    """

    anchor: str
    source: str
    as_of: int | None
    age_s: int | None


class Verified(msgspec.Struct, frozen=True):
    """A presentation of which everything was checked.

    ``kind`` is the credential type (``vct`` or document type). ``claims`` come from the issuer;
    for an mdoc they are grouped by namespace. ``self_asserted`` come from the holder's device
    alone and have the same grouping. Times are seconds since 1970; None means that the issuer
    set no such limit.
    """

    format: str
    kind: str
    issuer: str
    claims: Claims
    self_asserted: Claims
    proof: HolderProof
    issued_at: int | None
    valid_from: int | None
    valid_until: int | None
    status: StatusReport
    trust: TrustReport

    @property
    def holder_bound(self) -> bool:
        """True: without a holder's proof there is no verified presentation."""
        return True


def require_displayable(name: str) -> str:
    """The issuer's name, if it can be shown without deceiving the reader.

    Raises:
        CredentialError: rule ``display``.
    """
    if not name.strip():
        raise refused(DISPLAY, "The issuer has no name.")
    if len(name) > limits.NAME_SIZE_MAX_CHARS:
        raise refused(DISPLAY, "The issuer's name is too long to be shown.")
    plain = name.isascii() and name.isprintable()  # as nearly every name is
    if not plain and any(unicodedata.category(each) in _DECEPTIVE for each in name):
        raise refused(DISPLAY, "The issuer's name has characters that cannot be shown.")
    return name


def require_opaque_images(claims: Claims) -> None:
    """Refuse image elements that are not plain bytes or text of a bounded size.

    Nothing here or later in this process looks inside them.

    Raises:
        CredentialError: rule ``opaque-image``.
    """
    for name, value in claims.items():
        if name not in _IMAGES:
            continue
        if not isinstance(value, bytes | str):
            raise refused(OPAQUE_IMAGE, f"The image {name!r} is neither bytes nor text.")
        if len(value) > limits.IMAGE_SIZE_MAX_BYTES:
            raise refused(OPAQUE_IMAGE, f"The image {name!r} has {len(value)} bytes.")


def json_ready(value: ClaimValue) -> JsonValue:
    """A claim as a JSON value, for output only: bytes become base64url, dates their text.

    What JSON cannot say becomes what it can: a number that is not finite is null; a map of which
    two keys would have one name (1 and "1") is a list of pairs, so that none hides the other.
    """
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case bytes():
            return base64url_encode(value)
        case Mapping():
            return _json_map(value)
        case Embedded() | Simple() | Tagged():
            return _json_plain(value)
        case _:
            return [json_ready(item) for item in value]


def _json_map(members: ClaimMap) -> JsonValue:
    named = {_json_name(name): json_ready(item) for name, item in members.items()}
    if len(named) == len(members):
        return named
    return [[_json_key(name), json_ready(item)] for name, item in members.items()]


def _json_plain(value: Embedded | Simple | Tagged) -> JsonValue:
    match value:
        case Embedded():
            return base64url_encode(value.content)
        case Tagged():
            return json_ready(value.value)
        case _:
            return None


def _json_key(name: int | str | bytes) -> JsonValue:
    return base64url_encode(name) if isinstance(name, bytes) else name


def _json_name(name: int | str | bytes) -> str:
    return base64url_encode(name) if isinstance(name, bytes) else str(name)


def require_presentation_size(presentation: bytes) -> None:
    """Refuse more bytes than a presentation may have, before anything is read.

    Raises:
        CredentialError: rule ``length``.
    """
    if len(presentation) > limits.PRESENTATION_SIZE_MAX_BYTES:
        raise refused(LENGTH, f"The presentation has {len(presentation)} bytes.")
