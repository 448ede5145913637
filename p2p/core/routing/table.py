"""Routers by the name that configuration gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from p2p.core.routing.direct import DirectRouter
from p2p.core.routing.epidemic import EpidemicRouter
from p2p.core.routing.prophet import ProphetRouter
from p2p.core.routing.router import Router
from p2p.core.routing.spray import SprayRouter
from p2p.errors import InvalidInput

if TYPE_CHECKING:
    from p2p.core.config import NodeConfig

ROUTER_NAMES: Final = ("spray", "epidemic", "direct", "prophet")


def router_for(config: NodeConfig) -> Router:
    """Give the router that a configuration names.

    Raises:
        InvalidInput: no router of that name.
    """
    return router_named(config.router, config.spray_copies)


def router_named(name: str, copies: int) -> Router:
    """Give a router by its name.

    Args:
        copies: L of spray-and-wait.

    Raises:
        InvalidInput: no router of that name.
    """
    if name == "spray":
        return SprayRouter(copies)
    if name == "epidemic":
        return EpidemicRouter()
    if name == "direct":
        return DirectRouter()
    if name == "prophet":
        return ProphetRouter(copies)
    raise InvalidInput(f"No router {name!r}; choose one of {', '.join(ROUTER_NAMES)}.")
