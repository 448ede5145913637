"""What two people's nodes say inside a session, after decryption (docs/spec/content.md).

One MessagePack array; the first element is the kind. A kind that this version does not know is
:class:`~p2p.errors.Malformed` for the caller to count, and the session goes on.
"""

from __future__ import annotations

from typing import Annotated, Final, TypeAlias

from msgspec import Meta, Struct

from p2p.errors import Malformed
from p2p.wire.codec import check_text_size, pack, unpack_boxed
from p2p.wire.limits import (
    ADDRESS_SIZE_MAX_BYTES,
    ADDRESSES_MAX,
    BUNDLE_SIZE_MAX_BYTES,
    CREDENTIAL_ELEMENTS_MAX,
    CREDENTIAL_KIND_SIZE_MAX_BYTES,
    CREDENTIAL_KINDS_MAX,
    CREDENTIAL_NONCE_SIZE_BYTES,
    ELEMENT_SIZE_MAX_BYTES,
    ENVELOPE_SIZE_MAX_BYTES,
    MESSAGE_ID_SIZE_BYTES,
    NAME_SIZE_MAX_BYTES,
    PRESENTATION_SIZE_MAX_BYTES,
    PURPOSE_SIZE_MAX_BYTES,
    REQUEST_ID_SIZE_BYTES,
    RULE_SIZE_MAX_BYTES,
    TEXT_SIZE_MAX_BYTES,
)

MessageId16: TypeAlias = Annotated[
    bytes, Meta(min_length=MESSAGE_ID_SIZE_BYTES, max_length=MESSAGE_ID_SIZE_BYTES)
]
Address: TypeAlias = Annotated[str, Meta(min_length=1, max_length=ADDRESS_SIZE_MAX_BYTES)]
RequestId16: TypeAlias = Annotated[
    bytes, Meta(min_length=REQUEST_ID_SIZE_BYTES, max_length=REQUEST_ID_SIZE_BYTES)
]
UnixSecond: TypeAlias = Annotated[int, Meta(ge=0, le=2**40)]
KindName: TypeAlias = Annotated[str, Meta(min_length=1, max_length=CREDENTIAL_KIND_SIZE_MAX_BYTES)]
ElementName: TypeAlias = Annotated[str, Meta(min_length=1, max_length=ELEMENT_SIZE_MAX_BYTES)]

DECLINED: Final = 0
"""In place of an answer's format: the holder presents nothing."""
SD_JWT: Final = 1
MDOC: Final = 2
"""Formats of credentials: SD-JWT VC with key binding, and ISO/IEC 18013-5 mdoc."""


class Text(Struct, frozen=True, array_like=True, tag=1):
    """A message for the person to read; ``message_id`` makes it one, however often it arrives."""

    message_id: MessageId16
    sent_at_s: Annotated[int, Meta(ge=0, le=2**40)]
    text: Annotated[str, Meta(max_length=TEXT_SIZE_MAX_BYTES)]


class Introduction(Struct, frozen=True, array_like=True, tag=2):
    """What a node tells its contact about itself; the newest ``issued_at_s`` holds.

    Attributes:
        name: what the sender calls herself; a suggestion, never trusted as identity.
        bundle: her newest rotating prekey bundle (wire bytes).
        lookup_secret: 16 bytes from which first-contact tags to that bundle are derived.
        addresses: multiaddresses, each ending in ``/p2p/<peer id>``, where her node listens.
    """

    issued_at_s: Annotated[int, Meta(ge=0, le=2**40)]
    name: Annotated[str, Meta(max_length=NAME_SIZE_MAX_BYTES)]
    bundle: Annotated[bytes, Meta(max_length=BUNDLE_SIZE_MAX_BYTES)]
    lookup_secret: Annotated[bytes, Meta(min_length=16, max_length=16)]
    addresses: Annotated[tuple[Address, ...], Meta(max_length=ADDRESSES_MAX)]


class Acknowledgement(Struct, frozen=True, array_like=True, tag=3):
    """Nothing but a sign of life: it ends the repeated handshake and moves the ratchet on."""


class CredentialKind(Struct, frozen=True, array_like=True):
    """A kind of credential that will do: ``format`` 1 with a ``vct``, 2 with a document type."""

    format: Annotated[int, Meta(ge=SD_JWT, le=MDOC)]
    name: KindName


class CredentialRequest(Struct, frozen=True, array_like=True, tag=4):
    """A verifier's question; its bytes as sent are part of what the holder's proof covers.

    Attributes:
        nonce: 16 random bytes that serve this one question.
        expires_at_s: an answer that arrives later is refused.
        purpose: in words, what the answer is for; shown to the holder.
        kinds: what will do; none means the well-known kinds of docs/spec/credential-exchange.md.
        elements: what is asked for: names, or ``outer/inner`` for a nested one or a namespace.
    """

    request_id: RequestId16
    nonce: Annotated[
        bytes,
        Meta(min_length=CREDENTIAL_NONCE_SIZE_BYTES, max_length=CREDENTIAL_NONCE_SIZE_BYTES),
    ]
    made_at_s: UnixSecond
    expires_at_s: UnixSecond
    purpose: Annotated[str, Meta(max_length=PURPOSE_SIZE_MAX_BYTES)]
    kinds: Annotated[tuple[CredentialKind, ...], Meta(max_length=CREDENTIAL_KINDS_MAX)]
    elements: Annotated[
        tuple[ElementName, ...], Meta(min_length=1, max_length=CREDENTIAL_ELEMENTS_MAX)
    ]


class CredentialAnswer(Struct, frozen=True, array_like=True, tag=5):
    """A holder's answer: a presentation of the named kind, or format 0 and nothing: declined."""

    request_id: RequestId16
    format: Annotated[int, Meta(ge=DECLINED, le=MDOC)]
    kind: Annotated[str, Meta(max_length=CREDENTIAL_KIND_SIZE_MAX_BYTES)]
    presentation: Annotated[bytes, Meta(max_length=PRESENTATION_SIZE_MAX_BYTES)]


class CredentialOutcome(Struct, frozen=True, array_like=True, tag=6):
    """What the verifier tells the holder: 1 and nothing, or 0 and the rule that did not hold."""

    request_id: RequestId16
    verified: Annotated[int, Meta(ge=0, le=1)]
    rule: Annotated[str, Meta(max_length=RULE_SIZE_MAX_BYTES)]


Content: TypeAlias = (
    Text | Introduction | Acknowledgement | CredentialRequest | CredentialAnswer | CredentialOutcome
)


class _Box(Struct, frozen=True, array_like=True):
    """Makes msgspec compile the union once: converting to a bare union does it at each call."""

    value: Content


def encode_content(content: Content) -> bytes:
    """Give the content's bytes, to be sealed."""
    return pack(content)


def decode_content(data: bytes) -> Content:
    """Read decrypted content.

    Raises:
        Malformed: no content of this version, or out of its bounds.
    """
    content = unpack_boxed(data, _Box, ENVELOPE_SIZE_MAX_BYTES).value
    match content:
        case Text():
            check_text_size(content.text, TEXT_SIZE_MAX_BYTES)
        case Introduction():
            check_self_description(content.name, content.addresses)
        case CredentialRequest():
            check_request(content)
        case CredentialAnswer():
            _check_answer(content)
        case CredentialOutcome():
            check_text_size(content.rule, RULE_SIZE_MAX_BYTES)
        case Acknowledgement():
            pass
    return content


def check_request(request: CredentialRequest) -> None:
    """Hold a request for a credential to the limits in bytes, and to sense.

    Raises:
        Malformed: a text is longer in UTF-8, an element comes twice, or it ends before it begins.
    """
    check_text_size(request.purpose, PURPOSE_SIZE_MAX_BYTES)
    for kind in request.kinds:
        check_text_size(kind.name, CREDENTIAL_KIND_SIZE_MAX_BYTES)
    for element in request.elements:
        check_text_size(element, ELEMENT_SIZE_MAX_BYTES)
    if len(frozenset(request.elements)) != len(request.elements):
        raise Malformed("A request asks for one element twice.")
    if request.expires_at_s <= request.made_at_s:
        raise Malformed("A request ends before it begins.")


def _check_answer(answer: CredentialAnswer) -> None:
    check_text_size(answer.kind, CREDENTIAL_KIND_SIZE_MAX_BYTES)
    declined = answer.format == DECLINED
    if declined != (not answer.presentation) or declined != (not answer.kind):
        raise Malformed("An answer either presents a credential of some kind, or declines.")


def check_self_description(name: str, addresses: tuple[str, ...]) -> None:
    """Hold what a node says about itself to the limits in bytes.

    Raises:
        Malformed: a name or an address is longer in UTF-8.
    """
    check_text_size(name, NAME_SIZE_MAX_BYTES)
    for address in addresses:
        check_text_size(address, ADDRESS_SIZE_MAX_BYTES)
