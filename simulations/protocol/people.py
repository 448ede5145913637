"""Who the people of a run are, and how those who write to each other have met before it began.

Meeting is not counted on the air: each side learns the other's prekey bundle, one first contact and
one answer pass from hand to hand, and both have an address-book entry, as after an invite.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from p2p.core.contacts import ACTIVE, Contacts
from p2p.core.introductions import told_fingerprint
from p2p.crypto.account import account_key_of, certify_device, device_key_of
from p2p.sessions.book import SessionBook
from p2p.sessions.identity import DeviceIdentity
from p2p.wire.content import Acknowledgement, encode_content
from p2p.wire.ids import AccountKey, PeerId
from p2p.wire.limits import LIFETIME_DEFAULT_S
from simulations.rng import stream

_SEED_BYTES: Final = 32
_PEER_ID_LENGTH: Final = 52
_PEER_ID_DIGITS: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


class StreamEntropy:
    """:class:`p2p.ports.entropy.Entropy` from a named random stream."""

    __slots__ = ("_stream",)

    def __init__(self, source: random.Random) -> None:
        self._stream = source

    def random_bytes(self, size: int) -> bytes:
        """Give the next bytes."""
        return self._stream.randbytes(size)

    def uniform(self) -> float:
        """Give the next number from 0 (included) to 1 (excluded)."""
        return self._stream.random()


def identity_of(seed: int, node: int, now_s: float) -> DeviceIdentity:
    """Give the keys of the person at a node."""
    source = stream(seed, "identity", node)
    account_seed, device_seed = source.randbytes(_SEED_BYTES), source.randbytes(_SEED_BYTES)
    device_key = device_key_of(device_seed)
    return DeviceIdentity(
        account_key=account_key_of(account_seed),
        device_key=device_key,
        device_seed=device_seed,
        certificate=certify_device(account_seed, device_key, int(now_s)),
    )


def peer_of(seed: int, node: int) -> PeerId:
    """Give the name of a node on the network: of the form of an Ed25519 peer id."""
    source = stream(seed, "peer", node)
    head = "12D3KooW"
    digits = (source.choice(_PEER_ID_DIGITS) for _ in range(_PEER_ID_LENGTH - len(head)))
    return PeerId(head + "".join(digits))


def name_of(node: int) -> str:
    """Give what a person calls herself."""
    return f"node {node}"


def address_of(node: int, peer: PeerId) -> str:
    """Give a node's multiaddress: made up, since nothing dials."""
    return f"/ip4/10.{node >> 16 & 255}.{node >> 8 & 255}.{node & 255}/tcp/4001/p2p/{peer}"


@dataclass(frozen=True, slots=True)
class Party:
    """One side of a meeting; its store's transaction is open.

    Attributes:
        addresses: what it tells contacts about where its node listens.
    """

    account: AccountKey
    book: SessionBook
    contacts: Contacts
    name: str
    addresses: tuple[str, ...]


def meet(one: Party, other: Party, now_s: float) -> None:
    """Make two people contacts of each other, with a session that both have used."""
    bundles = [
        one.book.current_bundle(other.account, now_s),
        other.book.current_bundle(one.account, now_s),
    ]
    for party, of, own, theirs in (
        (one, other, bundles[0], bundles[1]),
        (other, one, bundles[1], bundles[0]),
    ):
        party.book.learn_bundle(of.account, theirs.bundle, theirs.lookup_secret, now_s)
        record = party.contacts.add(of.account, of.name, of.name, now_s)
        party.contacts.save(
            record,
            state=ACTIVE,
            last_heard_s=now_s,
            heard_s=int(now_s),
            introduced_s=now_s,
            introduced_as=told_fingerprint(party.name, own.hash, party.addresses),
            addresses=of.addresses,
        )
    _greet(one, other, now_s)
    _greet(other, one, now_s)


def _greet(sender: Party, receiver: Party, now_s: float) -> None:
    content = encode_content(Acknowledgement())
    sealed = sender.book.seal(receiver.account, content, LIFETIME_DEFAULT_S, now_s)
    receiver.book.open(sealed.envelope, now_s)
    sender.book.acknowledge(sealed.session, now_s)
