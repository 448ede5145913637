"""What a protocol run may be told beside contacts, creations and the settings of every replay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from p2p.core.config import LinkConfig, NodeConfig
from simulations.protocol.seams import Fault, Interference, Observer

EPOCH_S: Final = 1_800_000_000.0
"""World time 0 in Unix seconds, for clocks that are right."""
LATENCY_S: Final = 0.01
CARRIES_UNANSWERED_MAX: Final = 2
"""A simulated body takes seconds: one on its way and one behind it keep a link busy."""


def strangers_only() -> NodeConfig:
    """Give the product's policy, except that nodes do not tell contacts their addresses.

    All mail is then strangers' mail, and one buffer size says how much a node carries.
    """
    return NodeConfig(
        share_addresses=0, link=LinkConfig(carries_unanswered_max=CARRIES_UNANSWERED_MAX)
    )


@dataclass(frozen=True, slots=True)
class ProtocolOptions:
    """How a protocol run differs from the plainest one.

    Attributes:
        seed: of entropy and losses.
        latency_s: how long a byte is under way on every link.
        loss: share of packets lost on every link, 0 to below 1; lost packets are sent again, so
            loss costs time, never a frame.
        config: every node's policy; its room for others' mail becomes the scenario's buffer.
        visible_recipients: whether routers see for whom a message is, as PRoPHET wants.
        observers: who looks on.
        interference: attackers, by node.
        faults: what befalls nodes, in any order.
        clock_offsets_s: how far nodes' clocks are ahead from the start on.
    """

    seed: int = 0
    latency_s: float = LATENCY_S
    loss: float = 0.0
    config: NodeConfig = field(default_factory=strangers_only)
    visible_recipients: bool = False
    observers: Sequence[Observer] = ()
    interference: Mapping[int, Interference] = field(default_factory=dict[int, Interference])
    faults: Sequence[Fault] = ()
    clock_offsets_s: Mapping[int, float] = field(default_factory=dict[int, float])


PLAIN: Final = ProtocolOptions()
"""No attackers, no faults, no losses, the seed 0."""
