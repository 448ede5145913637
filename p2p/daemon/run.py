"""``run``: puts a node together, serves its control API, and ends it cleanly."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Callable
from dataclasses import replace

import trio
from structlog.typing import FilteringBoundLogger

import p2p
from p2p.adapters.libp2p.network import Libp2pNetwork
from p2p.adapters.system import SystemEntropy
from p2p.control.server import ControlConfig, ControlServer, Listening
from p2p.control.service import ControlService
from p2p.control.socket_path import socket_path
from p2p.core.node import Node
from p2p.core.routing.table import router_for
from p2p.daemon.arguments import RunOptions
from p2p.daemon.opening import OpenedHome, opened_home
from p2p.daemon.probes import probes_for
from p2p.errors import InvalidInput
from p2p.node.clock import SteadyClock
from p2p.node.config_file import NodeSettings
from p2p.node.engine import NodeMachine
from p2p.node.logs import forward_stdlib_logs, make_log
from p2p.node.parts import RuntimeParts
from p2p.node.runtime import Runtime
from p2p.node.tasks import spawn
from p2p.ports.clock import Clock
from p2p.ports.entropy import Entropy
from p2p.ports.link import Discovery
from p2p.sessions.book import SessionBook
from p2p.sessions.x3dh_suite import X3dhSuite
from p2p.wire.addresses import peer_of


def run(options: RunOptions) -> None:
    """Run the node until a signal or the control API ends it.

    Raises:
        MolvaError: it could not start, or the world failed it.
    """
    for address in options.peers + options.bootstrap:
        peer_of(address)
    ready = options.ready_descriptor
    if ready is not None and not _is_open(ready):
        raise InvalidInput(f"--ready-fd {ready} is no open file descriptor.")
    with opened_home(options.home, options.passphrase, trust_clock=options.accept_clock) as opened:
        settings = _with_options(opened.settings, options)
        log = make_log(settings.log_level, settings.log_format)
        forward_stdlib_logs(log)
        trio.run(  # pyright: ignore[reportUnknownMemberType] - the stubs that libraries bring
            _serve, replace(opened, settings=settings), log, ready
        )


def _with_options(settings: NodeSettings, options: RunOptions) -> NodeSettings:
    """Give the settings as the command line changes them."""
    return replace(
        settings,
        listen=options.listen or settings.listen,
        peers=settings.peers + options.peers,
        bootstrap=settings.bootstrap + options.bootstrap,
        mdns=settings.mdns if options.mdns is None else options.mdns,
        dht=settings.dht or bool(options.bootstrap) if options.dht is None else options.dht,
        control_tcp_port=(
            settings.control_tcp_port if options.api_tcp_port is None else options.api_tcp_port
        ),
        log_level=options.log_level or settings.log_level,
    )


async def _serve(opened: OpenedHome, log: FilteringBoundLogger, ready: int | None) -> None:
    clock = SteadyClock()
    runtime = Runtime(_parts(opened, clock, log))
    server = ControlServer(
        ControlService(runtime, clock.now), _control(opened), clock.now, _reporter(log)
    )
    async with trio.open_nursery() as beside:
        spawn(beside, _stop_on_signals, runtime)
        async with trio.open_nursery() as nursery:
            await _start_all(nursery, runtime, server)
            _spare_the_collector()
            _tell_ready(ready)
        beside.cancel_scope.cancel()


def _spare_the_collector() -> None:
    """Take what was loaded for good out of the garbage collector's sight.

    Modules and their classes are some 400,000 objects that never die; each full collection would
    walk them all again.
    """
    gc.collect()
    gc.freeze()


async def _start_all(nursery: trio.Nursery, runtime: Runtime, server: ControlServer) -> None:
    """Start node and API; return once both are up. The API ends when the node has ended."""
    node_is_up, api_is_up = trio.Event(), trio.Event()

    async def run_node() -> None:
        await runtime.run(node_is_up.set)
        server.close()

    def listening(_: Listening) -> None:
        api_is_up.set()

    spawn(nursery, run_node)
    await node_is_up.wait()
    spawn(nursery, server.serve, listening)
    await api_is_up.wait()


def _parts(opened: OpenedHome, clock: Clock, log: FilteringBoundLogger) -> RuntimeParts:
    settings, profile = opened.settings, opened.profile
    entropy = SystemEntropy()

    def make_node(now_s: float) -> NodeMachine:
        book = SessionBook(profile.identity, X3dhSuite(), opened.store, entropy, now_s)
        router = router_for(settings.node)
        return Node(profile.identity, book, opened.store, router, entropy, settings.node, now_s)

    network = Libp2pNetwork(profile.libp2p_seed, settings.listen)
    return RuntimeParts(
        store=opened.store,
        make_node=make_node,
        network=network,
        clock=clock,
        entropy=entropy,
        log=log,
        account_key=profile.identity.account_key,
        version=p2p.__version__,
        config=settings.node,
        limits=settings.limits,
        discoveries=_discoveries(settings, network, entropy, clock),
        bootstrap=settings.bootstrap,
        manual=settings.peers,
        probes=probes_for(opened, network),
    )


def _discoveries(
    settings: NodeSettings, network: Libp2pNetwork, entropy: Entropy, clock: Clock
) -> tuple[tuple[str, Discovery], ...]:
    """Each way imports what it needs: zeroconf takes a tenth of a second."""
    ways: list[tuple[str, Discovery]] = []
    if settings.mdns:
        from p2p.adapters.mdns_discovery import MdnsDiscovery

        ways.append(("mdns", MdnsDiscovery(network, entropy)))
    if settings.dht:
        from p2p.adapters.dht_discovery import DhtDiscovery

        ways.append(("dht", DhtDiscovery(network.host, settings.bootstrap, entropy, clock)))
    return tuple(ways)


def _control(opened: OpenedHome) -> ControlConfig:
    folder = opened.home.folder
    return ControlConfig(
        socket=socket_path(folder, os.getuid()),
        tcp_port=opened.settings.control_tcp_port,
        token_folder=folder / "control",
    )


def _reporter(log: FilteringBoundLogger) -> Callable[[Exception], None]:
    def report(exc: Exception) -> None:
        log.error("request-failed", exc_info=exc)

    return report


async def _stop_on_signals(runtime: Runtime) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
        async for _ in signals:
            runtime.stop()


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def _tell_ready(descriptor: int | None) -> None:
    if descriptor is not None:
        with os.fdopen(descriptor, "wb") as pipe:
            pipe.write(b"ready\n")
