"""What one credential may cost us: sizes in bytes, counts, nesting.

All are local policy of the verifier. Real presentations stay well below them: an mdoc with a
portrait has some tens of kilobytes, an SD-JWT VC some tens of disclosures.
"""

from __future__ import annotations

from typing import Final

PRESENTATION_SIZE_MAX_BYTES: Final = 1 << 20
"""One presentation of either format, portrait included."""
TRANSCRIPT_SIZE_MAX_BYTES: Final = 64 << 10
"""A session transcript: an engagement, a reader key and a handover."""
CERTIFICATE_SIZE_MAX_BYTES: Final = 16 << 10
CHAIN_LENGTH_MAX: Final = 5
"""Certificates that a token may carry: a leaf and up to four others."""
JSON_DEPTH_MAX: Final = 32
JSON_VALUES_MAX: Final = 20_000
CBOR_DEPTH_MAX: Final = 32
CBOR_ITEMS_MAX: Final = 10_000
DISCLOSURES_MAX: Final = 512
DIGESTS_MAX: Final = 10_000
"""Digests, decoys included, in one SD-JWT or one mobile security object."""
DOCUMENTS_MAX: Final = 8
ELEMENTS_MAX: Final = 1_024
TRANSACTIONS_MAX: Final = 16
IMAGE_SIZE_MAX_BYTES: Final = 512 << 10
"""A portrait, a signature mark or a biometric template, handed on unparsed."""
KIND_SIZE_MAX_CHARS: Final = 1_024
"""A credential's type: a name or an address."""
NAME_SIZE_MAX_CHARS: Final = 512
"""An issuer's name as it is shown."""
CHAIN_CACHE_ENTRIES: Final = 256
"""Certificate chains that a trust store remembers as verified."""
PINNED_TRIES_MAX: Final = 16
"""Pinned keys that are tried on a token that does not say who signed it."""
STATUS_TOKEN_SIZE_MAX_BYTES: Final = 16 << 20
"""A signed status list; 100 M entries at 1 % revoked compress to about a megabyte a bit."""
STATUS_INFLATED_MAX_BYTES: Final = 25 << 20
"""A status list inflated: 200 M entries of one bit, or 100 M of two."""
STATUS_PAGE_BYTES: Final = 64 << 10
STATUS_DENSE_PAGES: Final = 16
"""Pages kept inflated, so that a list of a million entries answers at memory speed."""
STATUS_LISTS_MAX: Final = 256
"""Lists that one status book holds."""
LIST_NAME_SIZE_MAX_BYTES: Final = 2_048
"""What a list is called: the address of a status list, the publisher of a trust list."""
TRUST_LIST_SIZE_MAX_BYTES: Final = 8 << 20
TRUST_LIST_ANCHORS_MAX: Final = 2_048
TRUST_LIST_VALUES_MAX: Final = 200_000
"""A trust list has thousands of members where a presentation has hundreds."""
