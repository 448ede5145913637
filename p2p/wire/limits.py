"""Every number that two nodes must agree on: the protocol's constants.

Local policy (quotas, back-off, batch sizes) is not here but in :mod:`p2p.core.config`.
"""

from typing import Final

# --- versions ------------------------------------------------------------------------------------
LINK_VERSION: Final = 1
"""Version of the link protocol that Hello announces; the stream is ``/molva/link/1``."""
LINK_PROTOCOL_ID: Final = "/molva/link/1"
ENVELOPE_VERSION: Final = 1
BUNDLE_VERSION: Final = 1
INVITE_VERSION: Final = 1
CONTENT_VERSION: Final = 1

# --- envelopes (docs/spec/envelope.md) -----------------------------------------------------------
SIZE_CLASS_MAX: Final = 8
"""Size class n holds 256 << n bytes, so envelopes have one of nine sizes."""
ENVELOPE_SIZE_MIN_BYTES: Final = 256
ENVELOPE_SIZE_MAX_BYTES: Final = ENVELOPE_SIZE_MIN_BYTES << SIZE_CLASS_MAX
ENVELOPE_HEADER_BYTES: Final = 22
"""Version, size class, expiry and recipient tag: what is bound as associated data."""
ENVELOPE_OVERHEAD_BYTES: Final = 128
"""What a session envelope adds to its content: 22 + 24 + 2 + 32 + 4 + 4 + 16 + 16 + 8."""
STAMP_SIZE_BYTES: Final = 8
TAG_SIZE_BYTES: Final = 16
"""Recipient tag and first-contact commitment: BLAKE2b-128 of the delivery proof."""
PROOF_SIZE_BYTES: Final = 32
ENVELOPE_ID_SIZE_BYTES: Final = 32
LIFETIME_MAX_S: Final = 30 * 86_400
"""An expiry further away than this, plus the clock tolerance, is refused."""
LIFETIME_DEFAULT_S: Final = 7 * 86_400
CLOCK_TOLERANCE_S: Final = 86_400
"""Clocks must agree within a day, since recipient tags are keyed by the day."""
HOPS_MAX: Final = 255
COPIES_MAX: Final = 255

# --- sessions (docs/spec/session.md) -------------------------------------------------------------
TAG_WINDOW: Final = 32
"""How far ahead of the highest number seen a receiver looks for tags, per key and day."""
TAG_DAYS_BACK: Final = 31
"""An envelope lives 30 days at most; one more for clocks."""
TAG_DAYS_AHEAD: Final = 1
UNACKNOWLEDGED_MAX: Final = 500
"""A sender starts a new session after so many messages without a sign of life."""
SESSION_AGE_MAX_S: Final = 7 * 86_400
SKIPPED_KEYS_PER_CHAIN_MAX: Final = 1_000
SKIPPED_KEYS_MAX: Final = 2_000
SKIPPED_KEYS_AGE_MAX_S: Final = 30 * 86_400
BUNDLE_SIZE_MAX_BYTES: Final = 2_048
BUNDLE_ROTATION_S: Final = 14 * 86_400
BUNDLE_LIFETIME_S: Final = 28 * 86_400
BUNDLE_SECRETS_KEPT_S: Final = 30 * 86_400
"""Secrets outlive their bundle's expiry by the longest lifetime of an envelope."""

# --- content -------------------------------------------------------------------------------------
MESSAGE_ID_SIZE_BYTES: Final = 16
NAME_SIZE_MAX_BYTES: Final = 64
ADDRESS_SIZE_MAX_BYTES: Final = 256
ADDRESSES_MAX: Final = 8
TEXT_SIZE_MAX_BYTES: Final = 60_000
"""Leaves room for a first contact's handshake inside the largest envelope."""
INVITE_SIZE_MAX_BYTES: Final = 4_096
REQUEST_ID_SIZE_BYTES: Final = 16
CREDENTIAL_NONCE_SIZE_BYTES: Final = 16
"""128 bits, drawn by the verifier: more than anybody can guess within a request's lifetime."""
PURPOSE_SIZE_MAX_BYTES: Final = 256
CREDENTIAL_KINDS_MAX: Final = 8
CREDENTIAL_KIND_SIZE_MAX_BYTES: Final = 256
"""A document type or a ``vct``, which may be an address."""
CREDENTIAL_ELEMENTS_MAX: Final = 16
"""Elements that one request may ask for: each is shown to the holder by itself."""
ELEMENT_SIZE_MAX_BYTES: Final = 128
PRESENTATION_SIZE_MAX_BYTES: Final = 60_000
"""Like a text: leaves room for a first contact's handshake inside the largest envelope."""
RULE_SIZE_MAX_BYTES: Final = 64
CREDENTIAL_REQUEST_LIFETIME_MAX_S: Final = 7 * 86_400
"""An answer older than this proves too little about today."""

# --- records (docs/spec/record.md) ---------------------------------------------------------------
RECORD_FORMAT_VERSION: Final = 1
RECORD_BODY_MAX_BYTES: Final = 4 * 1_048_576
"""A status list of 100 M entries with 5 % revoked takes 4.5 MB, with 1 % 1.4 MB."""
RECORD_NAME_MAX_BYTES: Final = 64
RECORD_ID_SIZE_BYTES: Final = 32
RECORD_VERSION_MAX: Final = 2**63 - 1
RECORD_HEADER_MAX_BYTES: Final = 240
"""Ten fields at their longest take 236 bytes."""
RECORD_LIFETIME_MAX_S: Final = 366 * 86_400
RECORD_OFFERS_PER_FRAME_MAX: Final = 64
RECORD_OFFERS_OUTSTANDING_MAX: Final = 256
"""Records that a node may have offered on one link and not had answered."""
RECORD_PART_SIZE_BYTES: Final = 16_384
"""A body travels in pieces of this size, the last one shorter, so that mail goes in between."""
RECORD_PARTS_PER_WANT_MAX: Final = 16
RECORD_WANTS_PER_FRAME_MAX: Final = 16
RECORD_WANTS_OUTSTANDING_MAX: Final = 16
"""Wants that a node may leave unserved on one link."""

# --- link frames (docs/spec/link.md) -------------------------------------------------------------
FRAME_SIZE_MAX_BYTES: Final = ENVELOPE_SIZE_MAX_BYTES + 64
"""The largest frame is a Carry of the largest envelope with its few fields."""
FRAME_LENGTH_PREFIX_BYTES: Final = 4
OFFERS_PER_FRAME_MAX: Final = 64
IDS_PER_FRAME_MAX: Final = 256
PROOFS_PER_FRAME_MAX: Final = 256
OFFERS_OUTSTANDING_MAX: Final = 1_024
"""Offers that a node may leave unanswered on one link."""
WINDOW_MIN_BYTES: Final = 2 * FRAME_SIZE_MAX_BYTES
WINDOW_MAX_BYTES: Final = 16 * 1_048_576
ENVELOPES_PER_TAG_MAX: Final = 4
"""A carrier keeps so many envelopes of one tag: a forger cannot crowd out the true one alone."""

assert ENVELOPE_SIZE_MAX_BYTES == 65_536
assert ENVELOPE_OVERHEAD_BYTES < ENVELOPE_SIZE_MIN_BYTES
assert TEXT_SIZE_MAX_BYTES + 4_096 < ENVELOPE_SIZE_MAX_BYTES
assert PRESENTATION_SIZE_MAX_BYTES <= TEXT_SIZE_MAX_BYTES
assert CREDENTIAL_REQUEST_LIFETIME_MAX_S <= LIFETIME_MAX_S
assert UNACKNOWLEDGED_MAX < SKIPPED_KEYS_PER_CHAIN_MAX <= SKIPPED_KEYS_MAX
assert TAG_DAYS_BACK * 86_400 >= LIFETIME_MAX_S
assert BUNDLE_SECRETS_KEPT_S >= LIFETIME_MAX_S
assert BUNDLE_ROTATION_S < BUNDLE_LIFETIME_S
assert LIFETIME_DEFAULT_S * 5 // 4 <= LIFETIME_MAX_S
assert OFFERS_PER_FRAME_MAX <= IDS_PER_FRAME_MAX
assert RECORD_HEADER_MAX_BYTES * RECORD_OFFERS_PER_FRAME_MAX + 256 < FRAME_SIZE_MAX_BYTES
assert RECORD_PART_SIZE_BYTES + 64 < FRAME_SIZE_MAX_BYTES
assert RECORD_BODY_MAX_BYTES % RECORD_PART_SIZE_BYTES == 0
assert RECORD_WANTS_PER_FRAME_MAX <= RECORD_WANTS_OUTSTANDING_MAX
assert RECORD_OFFERS_PER_FRAME_MAX <= RECORD_OFFERS_OUTSTANDING_MAX
assert FRAME_SIZE_MAX_BYTES + RECORD_PART_SIZE_BYTES + 64 < WINDOW_MIN_BYTES * 3 // 4
assert RECORD_WANTS_PER_FRAME_MAX <= IDS_PER_FRAME_MAX
