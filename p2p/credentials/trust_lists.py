"""Lists of trusted issuers: VICAL (ISO/IEC 18013-5 annex C) and LoTE (ETSI TS 119 602).

A list is believed only if its signer leads to one of our own roots for lists; never because of
a certificate that came with it. A list past its next update is authentic but stale: that is for
a policy to judge, so it is told here and not refused (the real VICAL is valid for one day).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from p2p.credentials import cbor, limits
from p2p.credentials.cbor import CborValue
from p2p.credentials.certificates import Certificate, read_certificate
from p2p.credentials.cose import SIGN1_TAG, read_message, verify_sign1
from p2p.credentials.cose import certificate_chain as cose_chain
from p2p.credentials.encoding import (
    JsonObject,
    JsonValue,
    base64_decode,
    decode_json_object,
    require_list_name,
)
from p2p.credentials.jose import certificate_chain as jose_chain
from p2p.credentials.jose import read_compact, verify_token
from p2p.credentials.rules import CLOCK, LENGTH, SHAPE, TYPE, refused
from p2p.credentials.security_object import read_date_time, require_version, text_of
from p2p.credentials.x509_trust import LOTE_SIGNER, VICAL_SIGNER, Anchor, Signer, TrustStore
from p2p.errors import CredentialError

_VICAL: Final = "The VICAL"
_LOTE: Final = "The list of trusted entities"
_LOTE_TYPES: Final = frozenset({"JOSE", "jose", "JWT", "trustlist+jwt", "lote+jwt"})
"""ETSI TS 119 602 leaves ``typ`` open (JAdES only advises one); other tokens' types are refused."""
_LOTE_EXTENSIONS: Final = frozenset({"sigT"})
"""JAdES makes its claimed signing time critical (ETSI TS 119 182-1 section 5.2.1)."""
_ISSUANCE: Final = "/issuance"
_FOR_OTHERS: Final = ("/walletsolution", "/wrpac", "/wrprc")
"""Services that issue something to wallets or to relying parties, no credential of a person."""
_IN_FORCE: Final = frozenset(
    {"notified", "granted", "recognisedatnationallevel", "setbynationallaw"}
)
"""How the statuses end under which a service may issue (TS 119 602 annex H, TS 119 612)."""


@dataclass(frozen=True, slots=True)
class TrustList:
    """An authentic list. Times are seconds since 1970.

    ``next_update`` is None where the list names none; ``sequence`` is 0 where it has none, and
    a store must refuse a lower one than it has seen. ``skipped`` counts entries whose
    certificate cannot be an anchor.
    """

    source: str
    publisher: str
    issued_at: int
    next_update: int | None
    sequence: int
    anchors: tuple[Anchor, ...]
    skipped: int
    signer: Signer
    scheme: str = ""
    """What a LoTE is about: its type and territory. One publisher may have several lists."""

    def is_stale(self, now: int) -> bool:
        """Whether a newer list should exist by now."""
        return self.next_update is not None and now >= self.next_update


def read_vical(data: bytes, roots: TrustStore, now: int, clock_skew_s: int = 60) -> TrustList:
    """The authentic list in a VICAL.

    Args:
        data: a COSE_Sign1 with the VICAL as payload.
        roots: anchors for list signers, not for issuers.
        now: seconds since 1970.
        clock_skew_s: how far in the future a list may have been signed.

    Raises:
        CredentialError: the rule that does not hold.
    """
    _require_size(data, _VICAL)
    value = cbor.decode(data, _VICAL)
    message = read_message(value, SIGN1_TAG, _VICAL)
    if message.payload is None:
        raise refused(SHAPE, f"{_VICAL} has no payload.")
    members = cbor.decode_map(message.payload, _VICAL, limits.TRUST_LIST_VALUES_MAX)
    require_version(members, _VICAL)
    issued_at = read_date_time(members.get("date"), f"{_VICAL}'s date")
    signer = roots.signer(cose_chain(message, _VICAL), VICAL_SIGNER, now, issued_at)
    verify_sign1(message, message.payload, signer.key, _VICAL)
    _require_past(issued_at, now, clock_skew_s, _VICAL)
    update = members.get("nextUpdate")
    infos = members.get("certificateInfos")
    if not isinstance(infos, list):
        raise refused(SHAPE, f"{_VICAL} has no certificates.")
    entries = [_vical_entry(info) for info in infos]
    anchors = _anchors(entries, "vical", issued_at)
    return TrustList(
        source="vical",
        publisher=require_list_name(text_of(members, "vicalProvider", _VICAL), _VICAL),
        issued_at=issued_at,
        next_update=None if update is None else read_date_time(update, f"{_VICAL}'s next update"),
        sequence=_sequence(members.get("vicalIssueID", 0), _VICAL),
        anchors=anchors,
        skipped=len(entries) - len(anchors),
        signer=signer,
    )


def read_lote(text: str, roots: TrustStore, now: int, clock_skew_s: int = 60) -> TrustList:
    """The authentic list in a JWS; arguments as :func:`read_vical`.

    Both serializations of JAdES are read: compact, and JSON with one signature. Only services
    that issue credentials of persons, and were not withdrawn, become anchors.

    Raises:
        CredentialError: the rule that does not hold.
    """
    _require_size(text.encode("utf-8", "replace"), _LOTE)
    compact = compact_form(text) if text.lstrip().startswith("{") else text.strip()
    token = read_compact(compact, _LOTE, limits.TRUST_LIST_VALUES_MAX, _LOTE_EXTENSIONS)
    kind = token.header.get("typ", "JOSE")
    if not isinstance(kind, str) or kind not in _LOTE_TYPES:
        raise refused(TYPE, f"{_LOTE} is a token of another type.")
    body = token.payload.get("LoTE", token.payload)
    scheme = _object(_object(body).get("ListAndSchemeInformation"))
    issued_at = _moment(scheme.get("ListIssueDateTime", scheme.get("ListIssueDatetime")))
    signer = roots.signer(jose_chain(token, _LOTE), LOTE_SIGNER, now, issued_at)
    verify_token(token, signer.key, _LOTE)
    _require_past(issued_at, now, clock_skew_s, _LOTE)
    ders = _lote_certificates(_list(_object(body).get("TrustedEntitiesList", [])))
    anchors = _anchors([(der, frozenset[str]()) for der in ders], "lote", issued_at)
    return TrustList(
        source="lote",
        publisher=require_list_name(_operator(scheme.get("SchemeOperatorName")), _LOTE),
        issued_at=issued_at,
        next_update=_moment(scheme["NextUpdate"]) if scheme.get("NextUpdate") else None,
        sequence=_sequence(scheme.get("LoTESequenceNumber", 0), _LOTE),
        anchors=anchors,
        skipped=len(ders) - len(anchors),
        signer=signer,
        scheme=" ".join(
            text
            for text in (scheme.get("LoTEType"), scheme.get("SchemeTerritory"))
            if isinstance(text, str)
        ),
    )


def compact_form(text: str) -> str:
    """The compact form of a JWS in JSON (RFC 7515 section 7.2); its unprotected header is ignored.

    Raises:
        CredentialError: rule ``shape``: it has no signature, or more than one.
    """
    members = decode_json_object(text.encode("utf-8", "replace"), _LOTE)
    signatures = members.get("signatures")
    if signatures is not None:
        if not isinstance(signatures, list) or len(signatures) != 1 or "signature" in members:
            raise refused(SHAPE, f"{_LOTE} has not exactly one signature.")
        members = {"payload": members.get("payload"), **_object(signatures[0])}
    if "signature" not in members:
        raise refused(SHAPE, f"{_LOTE} is not signed.")
    return ".".join(_text(members.get(name)) for name in ("protected", "payload", "signature"))


def _anchors(
    entries: list[tuple[bytes, frozenset[str]]], source: str, as_of: int
) -> tuple[Anchor, ...]:
    """Anchors of the entries whose certificate can be one; a bad entry harms only itself."""
    if len(entries) > limits.TRUST_LIST_ANCHORS_MAX:
        raise refused(LENGTH, f"A trust list has {len(entries)} certificates.")
    anchors: list[Anchor] = []
    for der, doc_types in entries:
        certificate = _usable(der)
        if certificate is not None:
            anchors.append(Anchor(certificate, source, as_of, doc_types))
    return tuple(anchors)


def _usable(der: bytes) -> Certificate | None:
    try:
        return read_certificate(der)
    except CredentialError:
        return None


def _vical_entry(value: CborValue) -> tuple[bytes, frozenset[str]]:
    match value:
        case {"certificate": bytes() as der, "docType": list() as listed}:
            types = frozenset(name for name in listed if isinstance(name, str))
        case _:
            raise refused(SHAPE, f"{_VICAL} has an entry without certificate or document types.")
    if not types:  # an empty set would mean every type
        raise refused(SHAPE, f"{_VICAL} has an entry for no document type.")
    return der, types


def _lote_certificates(entities: list[JsonValue]) -> list[bytes]:
    """The certificates of every service for issuing, entity by entity."""
    ders: list[bytes] = []
    for entity in entities:
        for service in _list(_object(entity).get("TrustedEntityServices", [])):
            about = _object(_object(service).get("ServiceInformation"))
            if not _issues_credentials(about):
                continue
            identity = _object(about.get("ServiceDigitalIdentity"))
            for each in _list(identity.get("X509Certificates", [])):
                value = _object(each).get("val")
                ders.append(base64_decode(_text(value), "A listed certificate"))
    return ders


def _issues_credentials(about: JsonObject) -> bool:
    """Whether a service issues credentials of persons, and still may.

    Lists without statuses (of PID providers, say) drop a service that may not any more.
    """
    kind = about.get("ServiceTypeIdentifier", "")
    head, issuance, rest = (kind if isinstance(kind, str) else "").lower().rpartition(_ISSUANCE)
    if not issuance or rest or head.endswith(_FOR_OTHERS):
        return False
    if "ServiceStatus" not in about:
        return True
    status = about["ServiceStatus"]
    return isinstance(status, str) and status.lower().rpartition("/")[2] in _IN_FORCE


def _operator(names: JsonValue) -> str:
    listed = _list(names)
    return _text(_object(listed[0]).get("value")) if listed else ""


def _moment(value: JsonValue) -> int:
    try:
        parsed = datetime.fromisoformat(_text(value))
        if parsed.tzinfo is None:
            raise refused(SHAPE, f"{_LOTE} has a time without a zone.")
        return int(parsed.timestamp())
    except (ValueError, OverflowError) as exc:
        raise refused(SHAPE, f"{_LOTE} has an impossible time.") from exc


def _sequence(value: CborValue | JsonValue, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise refused(SHAPE, f"{what} has a sequence that is no number.")
    return value


def _object(value: JsonValue) -> JsonObject:
    if not isinstance(value, dict):
        raise refused(SHAPE, f"{_LOTE} lacks an object.")
    return value


def _list(value: JsonValue) -> list[JsonValue]:
    if not isinstance(value, list):
        raise refused(SHAPE, f"{_LOTE} lacks a list.")
    return value


def _text(value: JsonValue) -> str:
    if not isinstance(value, str):
        raise refused(SHAPE, f"{_LOTE} lacks a text.")
    return value


def _require_size(data: bytes, what: str) -> None:
    if len(data) > limits.TRUST_LIST_SIZE_MAX_BYTES:
        raise refused(LENGTH, f"{what} has {len(data)} bytes.")


def _require_past(issued_at: int, now: int, clock_skew_s: int, what: str) -> None:
    if now + clock_skew_s < issued_at:
        raise refused(CLOCK, f"{what} was signed after the time our clock shows.")
