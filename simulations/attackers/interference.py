"""Attackers of the protocol world: what leaves and enters a production node is not what it says.

A dishonest node still runs the product for its own mail; only what it was given by others is
treated differently. Frames that an attacker makes are well-formed: those that are not are the
fuzzers' business.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from p2p.wire.frames import (
    Carry,
    Offer,
    ProofFrame,
    Refusal,
    RefusalReason,
    Refused,
    decode_frame,
    encode_frame,
)
from p2p.wire.ids import EnvelopeId
from simulations.protocol.ledger import carried_envelope
from simulations.protocol.seams import Honest, Interference, Mesh
from simulations.rng import stream, stream_seed
from simulations.scenario.troubles import (
    Attacker,
    BlackHole,
    CopiesLiar,
    GreyHole,
    ProofLiar,
    Replayer,
    Sybil,
)

REMEMBERED_MAX: Final = 256
"""Frames that a replayer keeps to send again."""
_OFFER_HEAD: Final = b"\x92\x01"
"""An array of two whose first element is the number of :class:`p2p.wire.frames.Offer`."""


class Swallowing(Honest):
    """Takes what others give it to carry, says so, and never offers some of it to anybody."""

    def __init__(self, drop_share: float, seed: int, node: int) -> None:
        self._limit = drop_share * 2.0**64
        self._seed, self._node = seed, node
        self._foreign: dict[EnvelopeId, bool] = {}

    def arriving(self, mesh: Mesh, node: int, neighbour: int, frame: bytes) -> Sequence[bytes]:
        """Note what is others' mail, and whether it is to be dropped."""
        del mesh, node, neighbour
        envelope = carried_envelope(frame)
        if envelope is not None and envelope not in self._foreign:
            luck = stream_seed(self._seed, "grey-hole", self._node, envelope.hex())
            self._foreign[envelope] = luck < self._limit
        return (frame,)

    def leaving(self, mesh: Mesh, node: int, neighbour: int, frame: bytes) -> Sequence[bytes]:
        """Let nothing of that be offered or carried on."""
        del mesh, node, neighbour
        if frame[:2] == _OFFER_HEAD:
            offer = decode_frame(frame)
            if isinstance(offer, Offer):
                kept = tuple(e for e in offer.entries if not self._foreign.get(EnvelopeId(e.id)))
                return (encode_frame(Offer(kept)),) if kept else ()
        envelope = carried_envelope(frame)
        return () if envelope is not None and self._foreign.get(envelope) else (frame,)


class Boasting(Honest):
    """Gives on others' mail with more copies than it was given."""

    def __init__(self, claim: int) -> None:
        self._claim = claim
        self._foreign: set[EnvelopeId] = set()

    def arriving(self, mesh: Mesh, node: int, neighbour: int, frame: bytes) -> Sequence[bytes]:
        """Note what is others' mail."""
        del mesh, node, neighbour
        envelope = carried_envelope(frame)
        if envelope is not None:
            self._foreign.add(envelope)
        return (frame,)

    def leaving(self, mesh: Mesh, node: int, neighbour: int, frame: bytes) -> Sequence[bytes]:
        """Claim more copies in offers and with what is carried."""
        del mesh, node, neighbour
        envelope = carried_envelope(frame)
        if frame[:2] != _OFFER_HEAD and envelope is None:
            return (frame,)
        value = decode_frame(frame)
        if isinstance(value, Offer):
            entries = tuple(
                replace(entry, copies=self._claim)
                if EnvelopeId(entry.id) in self._foreign
                else entry
                for entry in value.entries
            )
            return (encode_frame(Offer(entries)),)
        if isinstance(value, Carry) and envelope in self._foreign:
            return (encode_frame(replace(value, copies=self._claim)),)
        return (frame,)


class LyingAboutProofs(Honest):
    """Answers every offer with: delivered already; and with proofs that prove nothing."""

    def __init__(self, seed: int, node: int) -> None:
        self._draws = stream(seed, "proof-liar", node)

    def arriving(self, mesh: Mesh, node: int, neighbour: int, frame: bytes) -> Sequence[bytes]:
        """Answer an offer in the node's stead."""
        if frame[:2] != _OFFER_HEAD:
            return (frame,)
        offer = decode_frame(frame)
        if not isinstance(offer, Offer):
            return (frame,)
        proofs = tuple(self._draws.randbytes(32) for _ in offer.entries[:8])
        mesh.send(node, neighbour, encode_frame(ProofFrame(proofs)))
        refusals = tuple(Refusal(entry.id, RefusalReason.PROVEN) for entry in offer.entries)
        mesh.send(node, neighbour, encode_frame(Refused(refusals)))
        return ()


class Replaying(Honest):
    """Sends frames again that it has seen, to whoever is near, from time to time."""

    def __init__(self, interval_s: float, seed: int, node: int) -> None:
        self._interval_s = interval_s
        self._draws = stream(seed, "replayer", node)
        self._seen: deque[bytes] = deque(maxlen=REMEMBERED_MAX)
        self._awake = False

    def arriving(self, mesh: Mesh, node: int, neighbour: int, frame: bytes) -> Sequence[bytes]:
        """Remember it."""
        del neighbour
        self._seen.append(frame)
        self._rest(mesh, node)
        return (frame,)

    def woken(self, mesh: Mesh, node: int) -> None:
        """Send something old to everybody near."""
        self._awake = False
        near = mesh.neighbours(node)
        if not near:
            return
        for neighbour in near:
            mesh.send(node, neighbour, self._draws.choice(self._seen))
        self._rest(mesh, node)

    def _rest(self, mesh: Mesh, node: int) -> None:
        if not self._awake:
            self._awake = True
            mesh.alarm(node, mesh.now_s + self._interval_s)


class Together(Honest):
    """Several attackers in one node; frames go through all of them in turn."""

    def __init__(self, attackers: Sequence[Interference]) -> None:
        self._attackers = tuple(attackers)

    def leaving(self, mesh: Mesh, node: int, neighbour: int, frame: bytes) -> Sequence[bytes]:
        """Through all of them."""
        frames: list[bytes] = [frame]
        for attacker in self._attackers:
            frames = [new for old in frames for new in attacker.leaving(mesh, node, neighbour, old)]
        return frames

    def arriving(self, mesh: Mesh, node: int, neighbour: int, frame: bytes) -> Sequence[bytes]:
        """Through all of them."""
        frames: list[bytes] = [frame]
        for attacker in self._attackers:
            frames = [
                new for old in frames for new in attacker.arriving(mesh, node, neighbour, old)
            ]
        return frames

    def linked(self, mesh: Mesh, node: int, neighbour: int, *, up: bool) -> None:
        """Tell all of them."""
        for attacker in self._attackers:
            attacker.linked(mesh, node, neighbour, up=up)

    def woken(self, mesh: Mesh, node: int) -> None:
        """Wake all of them."""
        for attacker in self._attackers:
            attacker.woken(mesh, node)


def interference_of(roles: Sequence[Attacker], seed: int, node: int) -> Interference | None:
    """Give what a node with these roles does to frames; None for nothing."""
    attackers: list[Interference] = []
    for role in roles:
        match role:
            case BlackHole():
                attackers.append(Swallowing(1.0, seed, node))
            case GreyHole():
                attackers.append(Swallowing(role.drop_share, seed, node))
            case Sybil() if role.conduct == "black-hole":
                attackers.append(Swallowing(1.0, seed, node))
            case CopiesLiar():
                attackers.append(Boasting(role.claim))
            case ProofLiar():
                attackers.append(LyingAboutProofs(seed, node))
            case Replayer():
                attackers.append(Replaying(role.interval_s, seed, node))
            case _:
                continue
    if len(attackers) == 1:
        return attackers[0]
    return Together(attackers) if attackers else None
