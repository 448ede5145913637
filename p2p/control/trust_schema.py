"""The values about trust that cross the control API; as :mod:`p2p.control.schema` says.

A **reference** is a ``ref`` (64 hexadecimal digits), at least its 8 first digits, or a label.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, TypeAlias

from msgspec import Meta, Struct

UPLOAD_SIZE_MAX_BYTES: Final = 4 * 1_048_576
"""One signed list; it crosses the API in base64."""
PEM_SIZE_MAX_CHARACTERS: Final = 256 << 10

Reference: TypeAlias = Annotated[str, Meta(max_length=128)]
Upload: TypeAlias = Annotated[bytes, Meta(min_length=1, max_length=UPLOAD_SIZE_MAX_BYTES)]
Purpose: TypeAlias = Literal["issuers", "lists", "both"]


# --- requests ------------------------------------------------------------------------------------
class AddAnchors(Struct, frozen=True, forbid_unknown_fields=True):
    """Pin the certificates of a PEM text.

    Attributes:
        label: what to call it; only where there is one certificate. Its own name by default.
        purpose: whether it signs for ``issuers``, for ``lists`` of issuers, or ``both``.
        test: needed for a test issuer's certificate, which proves nothing.
        as_of_s: when it was known to be right; now by default.
    """

    pem: Annotated[str, Meta(min_length=1, max_length=PEM_SIZE_MAX_CHARACTERS)]
    label: Annotated[str, Meta(max_length=64)] = ""
    purpose: Purpose = "issuers"
    test: bool = False
    as_of_s: Annotated[int, Meta(ge=0, le=2**53)] = 0


class ImportList(Struct, frozen=True, forbid_unknown_fields=True):
    """Believe a list of issuers.

    Attributes:
        form: ``vical`` or ``lote``.
        data: the file in base64.
        root: reference of the anchor that it must lead to, or ``all``; by default any that was
            pinned for lists.
        private: do not give it to neighbours.
    """

    form: Literal["vical", "lote"]
    data: Upload
    root: Reference = ""
    private: bool = False


class ImportStatus(Struct, frozen=True, forbid_unknown_fields=True):
    """Take in a status list token; members as in :class:`ImportList`."""

    data: Upload
    private: bool = False


# --- answers -------------------------------------------------------------------------------------
class Anchor(Struct, frozen=True, kw_only=True):
    """A pinned certificate: ``subject`` is its name, ``authority`` whether it issues others."""

    ref: str
    label: str
    subject: str
    purpose: str
    authority: bool
    test: bool
    added_s: float
    as_of_s: int
    valid_from_s: int
    valid_until_s: int


class AnchorsAnswer(Struct, frozen=True, kw_only=True):
    """The anchors of the PEM text, and how many of them are new."""

    anchors: list[Anchor]
    new: int


class SignedList(Struct, frozen=True, kw_only=True):
    """A list of issuers or a status list, as it is kept.

    Attributes:
        form: ``vical``, ``lote`` or ``status``.
        title: the publisher of a list of issuers, the address of a status list.
        standing: ``current``, ``stale``, ``too-old``, ``expired`` or ``unusable``.
        rule: the rule that an unusable list breaks.
        next_update_s: when a newer one is due; 0 where it does not say.
        entries: anchors, or statuses.
        root: the anchor that it leads to.
        author: key of the node whose record brought it; empty where it was imported here.
    """

    ref: str
    form: str
    title: str
    standing: str
    rule: str
    sequence: int
    issued_s: int
    age_s: int
    next_update_s: int
    entries: int
    skipped: int
    root: str
    test: bool
    author: str
    private: bool
    seen_s: float
    size_bytes: int


class Clock(Struct, frozen=True, kw_only=True):
    """``floor_from`` is ``release``, ``signed`` or ``saved``: what shows that it is later."""

    doubtful: bool
    now_s: float
    floor_s: int
    floor_from: str


class ListAnswer(Struct, frozen=True, kw_only=True):
    """What an import did; ``new`` is false where it was there already.

    ``shared`` tells whether other nodes are given it.
    """

    list: SignedList
    new: bool
    shared: bool
    clock: Clock


class Floor(Struct, frozen=True, kw_only=True):
    """What the release brought along: its date, and for how many lists the oldest issue."""

    released_s: int
    lists: int


class TrustPolicy(Struct, frozen=True, kw_only=True):
    """How old things may be, from the settings."""

    age_check_status_max_s: int
    contract_status_max_s: int
    stale_list_max_s: int


class TrustState(Struct, frozen=True, kw_only=True):
    """All that the node trusts, and how old it is.

    ``carried`` counts the lists that it carries for others, under none of its anchors.
    """

    anchors: list[Anchor]
    lists: list[SignedList]
    carried: int
    clock: Clock
    floor: Floor
    policy: TrustPolicy


class Forgotten(Struct, frozen=True, kw_only=True):
    """What was removed: ``kind`` is ``anchor`` or a list's form."""

    kind: str
    ref: str
    name: str
