"""Production routers whose choice depends on the count of copies alone, asked once per count.

Both replays of traces use this: a million decisions are then look-ups, and still the product's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from p2p.core.routing.router import Item
from p2p.core.routing.table import router_named
from p2p.errors import InvalidInput
from p2p.wire.ids import EnvelopeId, PeerId

COUNTED_ROUTERS: Final = ("spray", "epidemic", "direct")
"""PRoPHET looks at recipients, and cannot be asked beforehand."""
COPIES_MAX: Final = 255
"""The largest count of copies that the Router protocol knows."""


@dataclass(frozen=True, slots=True)
class CountedPolicy:
    """What a router answers, by the count of copies held.

    Attributes:
        first: the count that a new message starts with.
        given: the count that goes with an offer; 0 means "only if it is for you".
        kept: the count that stays after an offer was taken.
    """

    first: int
    given: tuple[int, ...]
    kept: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AskedPolicy(CountedPolicy):
    """A router that decides by recipient: whether it shares is asked, and how much is counted.

    Attributes:
        router: its name.
        copies: L, for the messages that show no recipient.
    """

    router: str
    copies: int


def policy_for(router: str, copies: int) -> CountedPolicy:
    """Give a production router's policy, an :class:`AskedPolicy` where it looks at recipients.

    Raises:
        InvalidInput: no router of that name.
    """
    if router in COUNTED_ROUTERS:
        return counted_policy(router, copies)
    policy = router_named(router, copies)
    shown = b"recipient"
    items = [Item(EnvelopeId(bytes(32)), 0, count, 0, shown) for count in range(COPIES_MAX + 1)]
    given = tuple(min(1, count) for count in range(COPIES_MAX + 1))
    kept = tuple(policy.keep(item, share) for item, share in zip(items, given, strict=True))
    return AskedPolicy(policy.initial_copies(), given, kept, router, copies)


def counted_policy(router: str, copies: int) -> CountedPolicy:
    """Ask a production router for every count.

    Raises:
        InvalidInput: no router of that name, or not one that counts copies alone.
    """
    if router not in COUNTED_ROUTERS:
        raise InvalidInput(f"No router {router!r}; choose one of {', '.join(COUNTED_ROUTERS)}.")
    policy = router_named(router, copies)
    items = [Item(EnvelopeId(bytes(32)), 0, count, 0, b"") for count in range(COPIES_MAX + 1)]
    given = tuple(policy.share(item, PeerId(""), 0.0) for item in items)
    kept = tuple(policy.keep(item, share) for item, share in zip(items, given, strict=True))
    return CountedPolicy(policy.initial_copies(), given, kept)
