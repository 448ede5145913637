"""Every setting of ``config.toml``: its key, what it may be, what it means.

This table is the only place that knows them: the reader follows it, and
docs/reference/configuration.md is held to it by a test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from p2p.core.config import CustodyConfig, LinkConfig, NodeConfig, RecordConfig, TrustConfig
from p2p.core.routing.table import ROUTER_NAMES
from p2p.node.logs import FORMATS, LEVELS
from p2p.node.peers import PeerLimits
from p2p.node.setting_shapes import (
    Addresses,
    ElementName,
    Flag,
    Number,
    ObjectId,
    OneOf,
    Shape,
    Value,
    Whole,
)
from p2p.wire.limits import COPIES_MAX, WINDOW_MIN_BYTES

_MIB: Final = 1_048_576
_GIB: Final = 1_024 * _MIB
_RECORDS_MAX: Final = 10_000
"""All headers are held in memory, and offered to each neighbour."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: ``key`` is ``table.name``, or ``name`` at the top of the file."""

    key: str
    default: Value
    shape: Shape
    meaning: str


_NODE: Final = NodeConfig()
_CUSTODY: Final = CustodyConfig()
_RECORDS: Final = RecordConfig()
_LINK: Final = LinkConfig()
_PEERS: Final = PeerLimits()
_TRUST: Final = TrustConfig()

SETTINGS: Final[tuple[Setting, ...]] = (
    Setting(
        "listen",
        ("/ip4/0.0.0.0/tcp/0",),
        Addresses(""),
        "Where this node listens: IP address and TCP port. 0.0.0.0 and :: stand for every "
        "interface, port 0 for any free port. An empty list: it only dials.",
    ),
    Setting(
        "peers",
        (),
        Addresses(" that end in /p2p/ and a peer id"),
        "Nodes to stay in touch with, as if added with `peer add`.",
    ),
    Setting(
        "bootstrap",
        (),
        Addresses(" that end in /p2p/ and a peer id"),
        "Nodes through which to meet others. They see our address, and no more of us than any "
        "other neighbour.",
    ),
    Setting(
        "discovery.mdns",
        True,  # noqa: FBT003 - the value of a setting
        Flag(),
        "Announce this node on the local network and look for others there.",
    ),
    Setting(
        "discovery.dht",
        False,  # noqa: FBT003 - the value of a setting
        Flag(),
        "Take part in the distributed hash table of the nodes that `bootstrap` leads to.",
    ),
    Setting(
        "routing.router",
        _NODE.router,
        OneOf(ROUTER_NAMES),
        "How many copies of a message strangers are given: some, any number, or none. prophet "
        "asks who is likely to meet the recipient; as long as senders show nobody for whom a "
        "message is, it does as spray does.",
    ),
    Setting(
        "routing.spray_copies",
        _NODE.spray_copies,
        Whole(1, COPIES_MAX),
        "Copies of one message that `spray` lets exist.",
    ),
    Setting(
        "routing.carry_for_strangers",
        bool(_NODE.carry_for_strangers),
        Flag(),
        "Carry mail between people who are no contacts of ours.",
    ),
    Setting(
        "deposit.require_proven",
        _NODE.require_proven,
        ElementName(),
        "Only contacts who have proven this to us with a credential (`molva credential request`) "
        "may leave mail here, while that credential is valid; nobody else's is carried. Empty: no "
        "proof is asked for.",
    ),
    Setting(
        "routing.direct_grace_s",
        _NODE.direct_grace_s,
        Number(0, 3_600),
        "Seconds for which a message waits for its recipient, where that is a neighbour, before "
        "others are offered it.",
    ),
    Setting(
        "privacy.proof_delay_max_s",
        _NODE.proof_delay_max_s,
        Number(0, 86_400),
        "Delivery proofs leave after a random delay of up to so many seconds, so that an observer "
        "cannot tell who opened a message.",
    ),
    Setting(
        "privacy.share_addresses",
        bool(_NODE.share_addresses),
        Flag(),
        "Tell contacts where this node listens, so that their nodes can dial it.",
    ),
    Setting(
        "custody.strangers_max_bytes",
        _CUSTODY.strangers_max_bytes,
        Whole(0, 1_024 * _GIB),
        "Room for strangers' mail.",
    ),
    Setting(
        "custody.strangers_max_count",
        _CUSTODY.strangers_max_count,
        Whole(0, 10_000_000),
        "Strangers' messages kept at most.",
    ),
    Setting(
        "custody.depositor_max_bytes",
        _CUSTODY.depositor_max_bytes,
        Whole(0, 1_024 * _GIB),
        "Room that one neighbour may fill with strangers' mail.",
    ),
    Setting(
        "custody.contacts_max_bytes",
        _CUSTODY.contacts_max_bytes,
        Whole(0, 1_024 * _GIB),
        "Room for mail from and for contacts' nodes.",
    ),
    Setting(
        "custody.proofs_max",
        _CUSTODY.proofs_max,
        Whole(1, 10_000_000),
        "Delivery proofs remembered of mail that was here.",
    ),
    Setting(
        "custody.proofs_unmatched_max",
        _CUSTODY.proofs_unmatched_max,
        Whole(0, 1_000_000),
        "Delivery proofs passed on although their mail was never here.",
    ),
    Setting(
        "custody.tombstones_max",
        _CUSTODY.tombstones_max,
        Whole(1, 10_000_000),
        "Finished messages remembered, so that they are not taken again.",
    ),
    Setting(
        "records.own_max_bytes",
        _RECORDS.own_max_bytes,
        Whole(_MIB, 64 * _GIB),
        "Room for records that are published here, such as the lists that you import.",
    ),
    Setting(
        "records.own_max_count",
        _RECORDS.own_max_count,
        Whole(1, _RECORDS_MAX),
        "Records published here at most.",
    ),
    Setting(
        "records.verified_max_bytes",
        _RECORDS.verified_max_bytes,
        Whole(_MIB, 64 * _GIB),
        "Room for records of others that are verified under your anchors.",
    ),
    Setting(
        "records.verified_max_count",
        _RECORDS.verified_max_count,
        Whole(1, _RECORDS_MAX),
        "Verified records of others kept at most.",
    ),
    Setting(
        "records.contacts_max_bytes",
        _RECORDS.contacts_max_bytes,
        Whole(0, 64 * _GIB),
        "Room for records that contacts' nodes bring.",
    ),
    Setting(
        "records.contacts_max_count",
        _RECORDS.contacts_max_count,
        Whole(0, _RECORDS_MAX),
        "Records from contacts' nodes kept at most.",
    ),
    Setting(
        "records.strangers_max_bytes",
        _RECORDS.strangers_max_bytes,
        Whole(0, 64 * _GIB),
        "Room for records that strangers' nodes bring.",
    ),
    Setting(
        "records.strangers_max_count",
        _RECORDS.strangers_max_count,
        Whole(0, _RECORDS_MAX),
        "Records from strangers' nodes kept at most.",
    ),
    Setting(
        "records.kind_max_bytes",
        _RECORDS.kind_max_bytes,
        Whole(0, 64 * _GIB),
        "Room for strangers' records of one kind.",
    ),
    Setting(
        "records.author_max_bytes",
        _RECORDS.author_max_bytes,
        Whole(0, 64 * _GIB),
        "Room for contacts' and strangers' records of one author.",
    ),
    Setting(
        "records.author_max_count",
        _RECORDS.author_max_count,
        Whole(0, _RECORDS_MAX),
        "Such records of one author kept at most.",
    ),
    Setting(
        "link.window_bytes",
        _LINK.window_bytes,
        Whole(WINDOW_MIN_BYTES, 2 * _MIB),
        "Bytes that a neighbour may have under way to us.",
    ),
    Setting(
        "link.rate_bytes_per_s",
        _LINK.rate_bytes_per_s,
        Whole(1_024, _GIB),
        "Bytes a second that a neighbour may send for long.",
    ),
    Setting(
        "link.burst_bytes",
        _LINK.burst_bytes,
        Whole(_MIB, _GIB),
        "Bytes that a neighbour may send at once.",
    ),
    Setting(
        "link.rate_frames_per_s",
        _LINK.rate_frames_per_s,
        Whole(1, 1_000_000),
        "Frames a second that a neighbour may send for long.",
    ),
    Setting(
        "link.burst_frames",
        _LINK.burst_frames,
        Whole(100, 1_000_000),
        "Frames that a neighbour may send at once.",
    ),
    Setting(
        "link.strikes_max",
        _LINK.strikes_max,
        Whole(1, 100),
        "Wrong frames before a neighbour is sent away.",
    ),
    Setting(
        "link.back_off_first_s",
        _LINK.back_off_first_s,
        Number(1, 86_400),
        "Seconds for which it stays away the first time; each further time twice as long.",
    ),
    Setting(
        "link.back_off_max_s",
        _LINK.back_off_max_s,
        Number(1, 30 * 86_400),
        "Seconds for which it stays away at most.",
    ),
    Setting(
        "link.hello_wait_s",
        _LINK.hello_wait_s,
        Number(1, 3_600),
        "Seconds after which a neighbour that says nothing is sent away.",
    ),
    Setting(
        "neighbours.max",
        _PEERS.neighbours_max,
        Whole(1, 1_000),
        "Open links at most. Contacts come first, then `peers`, `bootstrap`, and those found.",
    ),
    Setting(
        "neighbours.seek_max",
        _PEERS.seek_max,
        Whole(0, 1_000),
        "Nodes found by mDNS or the DHT are dialled only below so many links.",
    ),
    Setting(
        "trust.age_check_status_max_s",
        _TRUST.age_check_status_max_s,
        Whole(60, 366 * 86_400),
        "Seconds for which a status list will do to check an age; an older one says nothing good.",
    ),
    Setting(
        "trust.contract_status_max_s",
        _TRUST.contract_status_max_s,
        Whole(60, 366 * 86_400),
        "The same for what binds: a contract, a check-in, a claim.",
    ),
    Setting(
        "trust.stale_list_max_s",
        _TRUST.stale_list_max_s,
        Whole(0, 366 * 86_400),
        "Seconds for which a list of issuers still counts after a newer one was due; the real "
        "VICAL is valid for a day.",
    ),
    Setting(
        "trust.status_signer_eku",
        _TRUST.status_signer_eku,
        ObjectId(),
        "Extended key usage of those who sign status lists. The draft leaves its number open; "
        "this default is a stand-in.",
    ),
    Setting(
        "trust.lists_max_bytes",
        _TRUST.lists_max_bytes,
        Whole(_MIB, _GIB),
        "Room for lists of issuers and status lists.",
    ),
    Setting(
        "control.tcp",
        False,  # noqa: FBT003 - the value of a setting
        Flag(),
        "Serve the control API on the loopback interface too, to whoever has a token from the "
        "home's `control` folder.",
    ),
    Setting(
        "control.tcp_port",
        0,
        Whole(0, 65_535),
        "Its TCP port; 0 for any free one.",
    ),
    Setting("log.level", "info", OneOf(LEVELS), "What is written to the log."),
    Setting("log.format", "text", OneOf(FORMATS), "Lines for people, or one JSON object a line."),
)


def reference() -> str:
    """Give the table of all settings as it stands in docs/reference/configuration.md."""
    lines = ["| Key | Default | Allowed | Meaning |", "|---|---|---|---|"]
    lines += [
        f"| `{one.key}` | `{as_toml(one.default)}` | {one.shape.allowed()} | {one.meaning} |"
        for one in SETTINGS
    ]
    return "\n".join(lines) + "\n"


def as_toml(value: Value) -> str:
    """Give a value as it is written in the file."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case tuple():
            return "[" + ", ".join(as_toml(one) for one in value) + "]"
        case _:
            return f"{value:g}" if isinstance(value, float) else str(value)
