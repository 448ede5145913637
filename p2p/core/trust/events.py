"""What the person asks about trust, and how trust is shown: values.

A **reference** is an anchor's or a list's ``ref`` (64 hexadecimal digits), at least its 8 first
digits, or the label of an anchor. Moments are Unix seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from p2p.wire.ids import CommandId


class AnchorPurpose(StrEnum):
    """What an anchor is believed for: a root of issuers does not sign lists of other roots."""

    ISSUERS = "issuers"
    LISTS = "lists"
    BOTH = "both"


class TrustForm(StrEnum):
    """What a signed list is."""

    VICAL = "vical"
    LOTE = "lote"
    STATUS = "status"


class Standing(StrEnum):
    """Whether a list counts, and if not, why."""

    CURRENT = "current"
    STALE = "stale"
    """Authentic, but a newer one should exist by now; it counts for as long as the policy says."""
    TOO_OLD = "too-old"
    """Authentic, but stale for longer than the policy allows: it does not count."""
    EXPIRED = "expired"
    """A status list past its own end: what it revokes stays revoked, nothing else counts."""
    UNUSABLE = "unusable"
    """It verifies under no anchor of ours, or not any more."""


@dataclass(frozen=True, slots=True)
class AnchorsAdded:
    """Trust the certificates of a PEM text.

    Attributes:
        label: what the person calls it; empty takes the certificate's own name.
        test: the person knows that a test issuer proves nothing.
        as_of_s: when the person knows it to have been right; 0 for now.
    """

    command: CommandId
    pem: bytes
    label: str
    purpose: AnchorPurpose
    test: bool
    as_of_s: int = 0


@dataclass(frozen=True, slots=True)
class TrustListImported:
    """Believe a list of issuers under a root that the person named.

    ``root`` is the reference of an anchor, ``all`` for any anchor, empty for those that were added
    for lists. ``private``: neighbours are not given it.
    """

    command: CommandId
    form: TrustForm
    data: bytes
    root: str
    private: bool


@dataclass(frozen=True, slots=True)
class StatusListImported:
    """Take in a status list token."""

    command: CommandId
    data: bytes
    private: bool


@dataclass(frozen=True, slots=True)
class TrustRemoved:
    """Forget an anchor or a list; what was seen of it stays known, so that it cannot roll back."""

    command: CommandId
    reference: str


TrustCommand: TypeAlias = AnchorsAdded | TrustListImported | StatusListImported | TrustRemoved


@dataclass(frozen=True, slots=True)
class AnchorView:
    """A pinned certificate: ``name`` is its subject (RFC 4514), ``ref`` SHA-256 of its DER."""

    ref: str
    label: str
    name: str
    purpose: AnchorPurpose
    authority: bool
    test: bool
    added_s: float
    as_of_s: int
    valid_from_s: int
    valid_until_s: int


@dataclass(frozen=True, slots=True)
class ListView:
    """A signed list as it is kept.

    Attributes:
        name: the publisher of a list of issuers; the address of a status list.
        sequence: 0 where it has none.
        next_update_s: when a newer one is due, or a status list ends; 0 where it names no time.
        entries: anchors in a list of issuers, statuses in a status list; 0 where unusable.
        skipped: certificates in it that cannot be anchors.
        root: label of the anchor that it verified under; empty where unusable.
        rule: the rule that an unusable list breaks.
        author: key of the node whose record brought it, in hexadecimal; empty: imported here.
        private: it is not given to neighbours.
        seen_s: when it came.
    """

    ref: str
    form: TrustForm
    name: str
    standing: Standing
    rule: str
    sequence: int
    issued_s: int
    next_update_s: int
    entries: int
    skipped: int
    root: str
    test: bool
    author: str
    private: bool
    seen_s: float
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ClockView:
    """Whether our clock can be right: it is not before ``floor_s``.

    ``floor_from`` says what makes the floor: ``release``, ``signed`` (an issuer that we trust
    has signed something then) or ``saved`` (this node ran then).
    """

    doubtful: bool
    now_s: float
    floor_s: int
    floor_from: str


@dataclass(frozen=True, slots=True)
class TrustView:
    """All that this node trusts, and how old it is.

    ``carried`` counts the lists in records that lead to none of our anchors: they are others'.
    """

    anchors: tuple[AnchorView, ...]
    lists: tuple[ListView, ...]
    clock: ClockView
    released_s: int
    floor_lists: int
    age_check_status_max_s: int
    contract_status_max_s: int
    stale_list_max_s: int
    carried: int = 0


@dataclass(frozen=True, slots=True)
class AnchorsTaken:
    """What AnchorsAdded did: the anchors of the text, and how many of them were new."""

    anchors: tuple[AnchorView, ...]
    new: int


@dataclass(frozen=True, slots=True)
class ListTaken:
    """What an import did.

    Attributes:
        new: false where this list was there already.
        shared: whether other nodes are given it.
        clock: doubtful where the list shows that our clock is behind.
    """

    list: ListView
    new: bool
    shared: bool
    clock: ClockView


@dataclass(frozen=True, slots=True)
class TrustForgotten:
    """What TrustRemoved did; ``kind`` is ``anchor`` or a list's form."""

    kind: str
    ref: str
    name: str


TrustResult: TypeAlias = AnchorsTaken | ListTaken | TrustForgotten


@dataclass(frozen=True, slots=True)
class TrustChanged:
    """Trust changed: ``kind`` is ``anchor`` or a list's form, ``why`` is ``added``, ``imported``,
    ``arrived`` (in a neighbour's record) or ``removed``.
    """

    kind: str
    ref: str
    name: str
    why: str
