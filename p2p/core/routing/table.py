"""Routers by the name that configuration gives them."""

from __future__ import annotations

from typing import Final

from p2p.core.config import NodeConfig
from p2p.core.routing.direct import DirectRouter
from p2p.core.routing.epidemic import EpidemicRouter
from p2p.core.routing.prophet import ProphetRouter
from p2p.core.routing.router import Router
from p2p.core.routing.spray import SprayRouter
from p2p.errors import InvalidInput

ROUTER_NAMES: Final = ("spray", "epidemic", "direct", "prophet")


def router_for(config: NodeConfig) -> Router:
    """Give the router that a configuration names.

    Raises:
        InvalidInput: no router of that name.
    """
    if config.router == "spray":
        return SprayRouter(config.spray_copies)
    if config.router == "epidemic":
        return EpidemicRouter()
    if config.router == "direct":
        return DirectRouter()
    if config.router == "prophet":
        return ProphetRouter(config.spray_copies)
    raise InvalidInput(f"No router {config.router!r}; choose one of {', '.join(ROUTER_NAMES)}.")
