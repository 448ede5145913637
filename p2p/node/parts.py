"""What a running node is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from p2p.core.config import NodeConfig
from p2p.node.doctor import Probe
from p2p.node.engine import NodeMachine
from p2p.node.peers import PeerLimits
from p2p.ports.clock import Clock
from p2p.ports.entropy import Entropy
from p2p.ports.link import Discovery, Network
from p2p.ports.store import Store
from p2p.wire.ids import AccountKey


@dataclass(frozen=True, slots=True)
class RuntimeParts:
    """What a node is made of; the daemon puts it together, tests put in fakes.

    Attributes:
        make_node: loads the node from ``store`` as of a moment (Unix seconds).
        discoveries: (``mdns`` or ``dht``, the way).
        bootstrap: addresses of peers to begin with, each with its peer id.
        manual: more addresses of this run, as if added by hand, but not kept.
        probes: what the doctor tries besides what the runtime knows itself.
    """

    store: Store
    make_node: Callable[[float], NodeMachine]
    network: Network
    clock: Clock
    entropy: Entropy
    log: FilteringBoundLogger
    account_key: AccountKey
    version: str
    config: NodeConfig
    limits: PeerLimits
    discoveries: tuple[tuple[str, Discovery], ...] = ()
    bootstrap: tuple[str, ...] = ()
    manual: tuple[str, ...] = ()
    probes: tuple[Probe, ...] = ()
