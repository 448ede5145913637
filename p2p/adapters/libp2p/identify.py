"""What this node says of itself to any peer of libp2p, and how much it reads of what they say.

py-libp2p answers in its own name, and reads a megabyte; js-libp2p reads 8 KB.
"""

from __future__ import annotations

from typing import Final

from libp2p.abc import INetStream
from libp2p.custom_types import StreamHandlerFn, TProtocol
from libp2p.host.basic_host import BasicHost
from libp2p.identity.identify.identify import ID as IDENTIFY
from libp2p.identity.identify.identify import PROTOCOL_VERSION
from libp2p.identity.identify.pb.identify_pb2 import Identify
from libp2p.identity.identify_push.identify_push import ID_PUSH, identify_push_handler_for
from libp2p.peer.peerstore import (  # pyright: ignore[reportMissingTypeStubs]
    env_to_send_in_RPC,
)
from libp2p.utils.varint import encode_varint_prefixed
from multiaddr import Multiaddr

from p2p import __version__
from p2p.adapters.libp2p.capped import CappedStream
from p2p.adapters.listen_addresses import tcp_address

AGENT: Final = f"molva/{__version__}"
IDENTIFY_MAX_BYTES: Final = 65_536


def identify_handlers(host: BasicHost) -> dict[TProtocol, StreamHandlerFn]:
    """Give who answers peers that ask who we are, or tell unasked who they are now."""
    take_push = identify_push_handler_for(host)

    async def answer(stream: INetStream) -> None:
        said = _said_of(host, stream.get_remote_address())
        await stream.write(encode_varint_prefixed(said.SerializeToString()))
        await stream.close()

    async def listen(stream: INetStream) -> None:
        await take_push(CappedStream(stream, IDENTIFY_MAX_BYTES))

    return {IDENTIFY: answer, ID_PUSH: listen}


def _said_of(host: BasicHost, asker: tuple[str, int] | None) -> Identify:
    record, _ = env_to_send_in_RPC(host)
    observed = b"" if asker is None else Multiaddr(str(tcp_address(*asker))).to_bytes()
    return Identify(
        protocol_version=PROTOCOL_VERSION,
        agent_version=AGENT,
        public_key=host.get_public_key().serialize(),
        listen_addrs=[address.to_bytes() for address in host.get_transport_addrs()],
        observed_addr=observed,
        protocols=[str(name) for name in host.get_mux().get_protocols() if name is not None],
        signedPeerRecord=record,
    )
