"""The mobile security object: what the issuer of an mdoc signed (ISO/IEC 18013-5, 9.1.2.4)."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

import msgspec

from p2p.credentials import cbor, limits
from p2p.credentials.cbor import CborMap, CborValue, Embedded, Tagged
from p2p.credentials.established import (
    NoStatus,
    OtherStatus,
    StatusClaim,
    StatusReference,
)
from p2p.credentials.keys import DeviceKey, key_from_cose
from p2p.credentials.rules import ALGORITHM, DUPLICATE, LENGTH, SHAPE, refused

_WHAT: Final = "The security object"
_HASHES: Final = {"SHA-256": ("sha256", 32), "SHA-384": ("sha384", 48), "SHA-512": ("sha512", 64)}
_DATE_TIME_TAG: Final = 0
_DATE_TIME: Final = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_VERSION: Final = re.compile(r"1\.\d{1,3}", re.ASCII)


class SecurityObject(msgspec.Struct, frozen=True):
    """The issuer's signed list of digests, and whom and how long it serves.

    ``hash_name`` is the name that :mod:`hashlib` knows; times are seconds since 1970;
    ``device_spaces`` and ``device_elements`` are what the device may assert by itself.
    """

    doc_type: str
    hash_name: str
    digests: dict[str, dict[int, bytes]]
    device_key: DeviceKey
    device_spaces: frozenset[str]
    device_elements: dict[str, frozenset[str]]
    signed: int
    valid_from: int
    valid_until: int
    status: StatusClaim


def read_security_object(payload: bytes) -> SecurityObject:
    """The object inside the issuer's signed payload.

    Raises:
        CredentialError: rules ``shape``, ``algorithm``, ``key-form``, ``length``, or those of
            :func:`p2p.credentials.cbor.decode`.
    """
    wrapped = cbor.decode(payload, "The issuer's payload")
    if not isinstance(wrapped, Embedded):
        raise refused(SHAPE, "The issuer's payload is not CBOR under tag 24.")
    members = cbor.decode_map(wrapped.content, _WHAT)
    require_version(members, _WHAT)
    hash_name, digest_bytes = _hash(members.get("digestAlgorithm"))
    device = _map(members, "deviceKeyInfo")
    spaces, elements = _authorizations(device)
    validity = _map(members, "validityInfo")
    return SecurityObject(
        doc_type=text_of(members, "docType", _WHAT),
        hash_name=hash_name,
        digests=_digests(_map(members, "valueDigests"), digest_bytes),
        device_key=key_from_cose(_map(device, "deviceKey"), "The device key"),
        device_spaces=spaces,
        device_elements=elements,
        signed=_date_time(validity, "signed"),
        valid_from=_date_time(validity, "validFrom"),
        valid_until=_date_time(validity, "validUntil"),
        status=_status_claim(members),
    )


def require_version(members: CborMap, what: str) -> None:
    """Refuse a structure that is not of version 1.

    Raises:
        CredentialError: rule ``shape``.
    """
    if not _VERSION.fullmatch(text_of(members, "version", what)):
        raise refused(SHAPE, f"{what} is not of version 1.")


def text_of(members: CborMap, name: str, what: str) -> str:
    """A required text member.

    Raises:
        CredentialError: rule ``shape``.
    """
    value = members.get(name)
    if not isinstance(value, str):
        raise refused(SHAPE, f"{what} has no text {name!r}.")
    return value


def read_date_time(value: CborValue, what: str) -> int:
    """Seconds since 1970 of a date and time under tag 0 (RFC 3339).

    Raises:
        CredentialError: rule ``shape``.
    """
    if not isinstance(value, Tagged) or value.number != _DATE_TIME_TAG:
        raise refused(SHAPE, f"{what} is no date and time.")
    text = value.value
    if not isinstance(text, str) or not _DATE_TIME.fullmatch(text):
        raise refused(SHAPE, f"{what} is no date and time.")
    try:
        return int(datetime.fromisoformat(text.upper()).timestamp())
    except (ValueError, OverflowError) as exc:
        raise refused(SHAPE, f"{what} is no possible date and time.") from exc


def _map(members: CborMap, name: str) -> CborMap:
    value = members.get(name)
    if not isinstance(value, dict):
        raise refused(SHAPE, f"{_WHAT} has no map {name!r}.")
    return value


def _date_time(validity: CborMap, name: str) -> int:
    return read_date_time(validity.get(name), f"{_WHAT}'s {name!r}")


def _hash(name: CborValue) -> tuple[str, int]:
    found = _HASHES.get(name) if isinstance(name, str) else None
    if found is None:
        raise refused(ALGORITHM, f"{_WHAT} uses the unknown hash {name!r:.40}.")
    return found


def _digests(spaces: CborMap, digest_bytes: int) -> dict[str, dict[int, bytes]]:
    if sum(len(listed) for listed in spaces.values() if isinstance(listed, dict)) > (
        limits.DIGESTS_MAX
    ):
        raise refused(LENGTH, f"{_WHAT} has too many digests.")
    digests: dict[str, dict[int, bytes]] = {}
    for space, listed in spaces.items():
        if not isinstance(space, str) or not isinstance(listed, dict):
            raise refused(SHAPE, f"{_WHAT} has digests that are not listed by namespace.")
        digests[space] = _numbered(listed, digest_bytes)
    return digests


def _numbered(listed: CborMap, digest_bytes: int) -> dict[int, bytes]:
    numbered: dict[int, bytes] = {}
    for number, digest in listed.items():
        if not isinstance(number, int) or not isinstance(digest, bytes):
            raise refused(SHAPE, f"{_WHAT} has a digest that is no bytes under a number.")
        if number < 0 or len(digest) != digest_bytes:
            raise refused(SHAPE, f"{_WHAT} has a digest of a wrong length or number.")
        numbered[number] = digest
    return numbered


def _authorizations(device: CborMap) -> tuple[frozenset[str], dict[str, frozenset[str]]]:
    """Whole namespaces, and single elements by namespace, that the device may assert."""
    granted = device.get("keyAuthorizations", {})
    if not isinstance(granted, dict):
        raise refused(SHAPE, f"{_WHAT} has authorizations that are no map.")
    elements = granted.get("dataElements", {})
    if not isinstance(elements, dict):
        raise refused(SHAPE, f"{_WHAT} authorizes elements that are no map.")
    spaces = _names(granted.get("nameSpaces", []))
    single: dict[str, frozenset[str]] = {}
    for space, names in elements.items():
        if not isinstance(space, str):
            raise refused(SHAPE, f"{_WHAT} authorizes elements outside any namespace.")
        single[space] = _names(names)
    if spaces & single.keys():
        raise refused(DUPLICATE, f"{_WHAT} authorizes one namespace both whole and in parts.")
    return spaces, single


def _names(value: CborValue) -> frozenset[str]:
    names = (
        frozenset(name for name in value if isinstance(name, str))
        if (isinstance(value, list))
        else frozenset[str]()
    )
    if not isinstance(value, list) or len(names) != len(value):
        raise refused(SHAPE, f"{_WHAT} authorizes what is no list of different names.")
    return names


def _status_claim(members: CborMap) -> StatusClaim:
    if "status" not in members:
        return NoStatus()
    status = members["status"]
    if not isinstance(status, dict):
        raise refused(SHAPE, f"{_WHAT} has a status that is no map.")
    if "status_list" not in status:
        return OtherStatus()
    match status["status_list"]:
        case {"uri": str() as uri, "idx": int() as index} if index >= 0 and not isinstance(
            index, bool
        ):
            return StatusReference(uri, index)
        case _:
            raise refused(SHAPE, f"{_WHAT} names no status list and index.")
