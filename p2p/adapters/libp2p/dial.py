"""From an address to a stream on a connection of our own, with a sentence for each way to fail.

py-libp2p's dialler reuses connections, tries one address of several, waits 250 ms in between,
remembers failures for a minute and gives one error for all of them; so this goes step by step.
"""

from __future__ import annotations

from libp2p.abc import INetConn, INetStream, ISecureConn
from libp2p.custom_types import TProtocol
from libp2p.network.connection.swarm_connection import SwarmConn
from libp2p.peer.id import ID  # pyright: ignore[reportMissingTypeStubs]
from libp2p.protocol_muxer.exceptions import (
    MultiselectClientError,
    MultiselectCommunicatorError,
    MultiselectError,
)
from libp2p.protocol_muxer.multiselect_communicator import MultiselectCommunicator
from libp2p.security.noise.exceptions import PeerIDMismatchesPubkey
from libp2p.transport.exceptions import OpenConnectionError
from multiaddr import Multiaddr

from p2p.adapters.closing import shielded
from p2p.adapters.libp2p.host import Libp2pHost
from p2p.adapters.libp2p.swarm import NEGOTIATION_TIMEOUT_S
from p2p.errors import InvalidInput, LinkFailed
from p2p.wire.ids import PeerId


def parse_peer(text: str) -> PeerId:
    """Read a peer id in base58.

    Raises:
        InvalidInput: it is none.
    """
    try:
        return PeerId(str(ID.from_base58(text)))
    except Exception as error:  # base58 and multihash raise whatever their parsers do
        raise InvalidInput(f"{text!r} is no peer id.") from error


class Dialling:
    """One dial of one address."""

    def __init__(self, host: Libp2pHost, place: str) -> None:
        self._host = host
        self._place = place

    async def secure(self, expected: PeerId | None) -> tuple[ISecureConn, PeerId]:
        """Connect, and learn who is there by a Noise handshake.

        Raises:
            LinkFailed: nobody there, no Noise, or not the one who was expected.
        """
        swarm = self._host.swarm
        try:
            raw = await swarm.transport_manager.get_transports()[0].dial(Multiaddr(self._place))
        except OpenConnectionError as error:
            raise LinkFailed(f"Nobody answers at {self._place}: {error}.") from error
        peer = None if expected is None else ID.from_base58(expected)
        try:
            secured = await swarm.upgrader.security_multistream.secure_outbound(
                raw,
                peer,  # type: ignore[arg-type]  # Noise takes None: whoever it is
            )
            return secured, PeerId(str(secured.get_remote_peer()))
        except BaseException as error:
            with shielded():
                await raw.close()
            if isinstance(error, Exception):
                raise self._refused(error) from error
            raise

    def _refused(self, error: Exception) -> LinkFailed:
        if isinstance(error, PeerIDMismatchesPubkey):
            return LinkFailed(f"Somebody else lives at {self._place}.")
        if isinstance(error, MultiselectError | MultiselectClientError):
            return LinkFailed(f"Who answers at {self._place} does not offer Noise.")
        return LinkFailed(f"The handshake with {self._place} failed: {_say(error)}.")

    async def connect(self, secured: ISecureConn) -> INetConn:
        """Make a connection of libp2p out of a secured one.

        Raises:
            LinkFailed: no Yamux, or too many connections.
        """
        swarm = self._host.swarm
        try:
            muxed = await swarm.upgrader.upgrade_connection(secured, secured.get_remote_peer())
            return await swarm.add_conn(muxed, direction="outbound")
        except BaseException as error:
            with shielded():
                await secured.close()
            if isinstance(error, Exception):
                failure = f"No connection to {self._place}: {_say(error)}."
                raise LinkFailed(failure) from error
            raise

    async def open_stream(self, connection: INetConn, protocol: str) -> INetStream:
        """Open a stream on this very connection.

        Raises:
            LinkFailed: the peer does not speak ``protocol``.
        """
        assert isinstance(connection, SwarmConn), "connections come from our own swarm"
        try:
            stream = await connection.new_stream()
            chosen = await self._host.basic.multiselect_client.select_one_of(
                [TProtocol(protocol)], MultiselectCommunicator(stream), int(NEGOTIATION_TIMEOUT_S)
            )
        except BaseException as error:
            with shielded():
                await connection.close()
            if isinstance(error.__cause__, MultiselectCommunicatorError):
                failure = f"Who answers at {self._place} hung up before there was a link."
                raise LinkFailed(failure) from error
            if isinstance(error, MultiselectClientError):
                failure = f"Who answers at {self._place} does not speak {protocol}."
                raise LinkFailed(failure) from error
            if isinstance(error, Exception):
                failure = f"No stream to {self._place}: {_say(error)}."
                raise LinkFailed(failure) from error
            raise
        stream.set_protocol(chosen)
        return stream


def _say(error: Exception) -> str:
    return str(error).rstrip(".") or type(error).__name__
