"""What the seats of a run are built with: policy, routers, cipher suites."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

from p2p.core.config import NodeConfig
from p2p.core.routing.router import Router
from p2p.ports.entropy import Entropy
from p2p.sessions.suite import Suite
from simulations.protocol.ledger import Ledger
from simulations.protocol.options import ProtocolOptions
from simulations.protocol.routers import VisibleRecipients

SuiteMaker: TypeAlias = Callable[[Entropy], Suite]
RouterMaker: TypeAlias = Callable[[int], Router]


@dataclass(frozen=True, slots=True)
class Makers:
    """What every seat of a run is built with."""

    seed: int
    config: NodeConfig
    router: RouterMaker
    suite: SuiteMaker
    ledger: Ledger


def make_makers(
    options: ProtocolOptions,
    buffer_bytes: int,
    ledger: Ledger,
    make_router: RouterMaker,
    make_suite: SuiteMaker,
) -> Makers:
    """Give every node the scenario's room for others' mail, counted in declared sizes."""
    custody = replace(
        options.config.custody,
        strangers_max_bytes=buffer_bytes,
        depositor_max_bytes=buffer_bytes,
        charge=ledger.charge,
    )

    def router_of(node: int) -> Router:
        router = make_router(node)
        return VisibleRecipients(router, ledger) if options.visible_recipients else router

    config = replace(options.config, custody=custody)
    return Makers(options.seed, config, router_of, make_suite, ledger)
