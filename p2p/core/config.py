"""Local policy of a node: nothing here needs to be the same on two nodes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from p2p.credentials.x509_trust import STATUS_SIGNER_USAGE
from p2p.wire.ids import EnvelopeId


def charge_size(envelope: EnvelopeId, size_bytes: int) -> int:
    """Give what an envelope takes of a quota: its size."""
    del envelope
    return size_bytes


@dataclass(frozen=True, slots=True)
class CustodyConfig:
    """How much is kept for others.

    Attributes:
        strangers_max_bytes, strangers_max_count: the strangers' tier in all.
        contacts_max_bytes: the contacts' tier in all (mail of and for known people).
        depositor_max_bytes: what one neighbour may fill of the strangers' tier.
        proofs_max: delivery proofs remembered, of envelopes seen here.
        proofs_unmatched_max: proofs passed on although their envelope was never here.
        tombstones_max: finished envelopes remembered.
        charge: what an envelope of so many bytes takes of these quotas. A simulation charges the
            size that its scenario declares, whose bytes need not exist.
    """

    strangers_max_bytes: int = 64 * 1_048_576
    strangers_max_count: int = 20_000
    depositor_max_bytes: int = 32 * 1_048_576
    contacts_max_bytes: int = 256 * 1_048_576
    proofs_max: int = 50_000
    proofs_unmatched_max: int = 4_096
    tombstones_max: int = 100_000
    charge: Callable[[EnvelopeId, int], int] = charge_size


@dataclass(frozen=True, slots=True)
class RecordConfig:
    """How many public records are kept, and what fetching and serving them may cost.

    Attributes:
        own_max_bytes, own_max_count: records published here.
        verified_max_bytes, verified_max_count: records that this node's trust verifies.
        contacts_max_bytes, contacts_max_count: records that contacts' nodes brought.
        strangers_max_bytes, strangers_max_count: all other records.
        kind_max_bytes: strangers' records of one kind; those of unknown kinds together.
        author_max_bytes, author_max_count: strangers' and contacts' records of one author.
        versions_max: records that left, whose version is remembered; for each tier.
        partials_max_bytes: bodies on their way, with what is still to come of them.
        slow_bytes_per_s: a body that comes slower makes room for others, if they need it.
        served_burst_bytes, served_bytes_per_s: token bucket of bodies sent to one peer.
        judged_burst, judged_per_s: token bucket of signatures checked for one peer.
    """

    own_max_bytes: int = 64 * 1_048_576
    own_max_count: int = 256
    verified_max_bytes: int = 128 * 1_048_576
    verified_max_count: int = 1_024
    contacts_max_bytes: int = 32 * 1_048_576
    contacts_max_count: int = 512
    strangers_max_bytes: int = 32 * 1_048_576
    strangers_max_count: int = 1_024
    kind_max_bytes: int = 16 * 1_048_576
    author_max_bytes: int = 8 * 1_048_576
    author_max_count: int = 64
    versions_max: int = 4_096
    partials_max_bytes: int = 16 * 1_048_576
    slow_bytes_per_s: int = 4_096
    served_burst_bytes: int = 256 * 1_048_576
    served_bytes_per_s: int = 65_536
    judged_burst: int = 2_048
    judged_per_s: float = 4.0


@dataclass(frozen=True, slots=True)
class LinkConfig:
    """What a neighbour may do here before it is slowed, and then sent away.

    Attributes:
        window_bytes: frame bytes that a neighbour may have in flight.
        in_flight_max_bytes: frame bytes that we have in flight at most, however much is granted.
        carries_unanswered_max: envelopes on their way to a neighbour that has not yet answered for
            them. Where a link breaks off, the copies that went with these are lost.
        rate_bytes_per_s, burst_bytes: token bucket of frame bytes a neighbour may send.
        rate_frames_per_s, burst_frames: token bucket of its frames.
        strikes_max: penalised frames before the link is closed.
        back_off_first_s, back_off_max_s: how long it stays away then; doubles each time.
        hello_wait_s: a neighbour that says nothing for so long is sent away.
    """

    window_bytes: int = 1_048_576
    in_flight_max_bytes: int = 2 * 1_048_576
    carries_unanswered_max: int = 4_096
    rate_bytes_per_s: int = 8 * 1_048_576
    burst_bytes: int = 32 * 1_048_576
    rate_frames_per_s: int = 5_000
    burst_frames: int = 20_000
    strikes_max: int = 3
    back_off_first_s: float = 30.0
    back_off_max_s: float = 3_600.0
    hello_wait_s: float = 20.0


@dataclass(frozen=True, slots=True)
class TrustConfig:
    """How old what others signed may be, and how much of it is kept.

    Attributes:
        age_check_status_max_s: an older status list does not do for an age check.
        contract_status_max_s: nor for what binds.
        stale_list_max_s: a list of issuers counts for so long after a newer one was due: the real
            VICAL is valid for a day, and a village may see no newer one for weeks.
        lists_max_bytes: all lists of issuers and status lists together.
        status_signer_eku: extended key usage of whoever signs status lists, dotted.
    """

    age_check_status_max_s: int = 7 * 86_400
    contract_status_max_s: int = 86_400
    stale_list_max_s: int = 30 * 86_400
    lists_max_bytes: int = 64 * 1_048_576
    status_signer_eku: str = STATUS_SIGNER_USAGE


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """Everything that a node decides for itself.

    Attributes:
        name: what we call ourselves in invites and introductions.
        router: ``spray``, ``epidemic``, ``direct`` or ``prophet``.
        spray_copies: L of binary spray-and-wait, and of ``prophet`` where no recipient is shown.
        carry_for_strangers: 1 to carry strangers' mail, 0 to keep only contacts' and own.
        require_proven: the claim that a peer must have proven to deposit mail here, such as
            ``age_over_18``, and counts while its credential is valid; empty asks nothing.
        proof_delay_max_s: proofs leave after a random delay of up to this, those of a second in
            one batch, so that an observer cannot tell at once which node opened an envelope. A
            proof for mail that a contact's own node handed over goes back to it at once: it learns
            nothing new.
        direct_grace_s: where the contact's node is a neighbour, others are offered the message
            only if no proof came within this time.
        share_addresses: 1 to tell contacts where this node listens.
    """

    name: str = ""
    router: str = "spray"
    spray_copies: int = 32
    carry_for_strangers: int = 1
    require_proven: str = ""
    proof_delay_max_s: float = 3.0
    direct_grace_s: float = 2.0
    share_addresses: int = 1
    custody: CustodyConfig = CustodyConfig()
    records: RecordConfig = RecordConfig()
    link: LinkConfig = LinkConfig()
    trust: TrustConfig = TrustConfig()
