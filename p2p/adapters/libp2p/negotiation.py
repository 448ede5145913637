"""Multistream-select with bounds: how long a word of it may be, and how many there may be.

py-libp2p believes the length that a peer announces, up to a terabyte, and gathers it; and it lists
its protocols as often as it is asked. A handful of short words is all that anybody needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

from libp2p.abc import IMultiselectCommunicator
from libp2p.custom_types import StreamHandlerFn, TMuxerOptions, TProtocol, TSecurityOptions
from libp2p.exceptions import ParseError
from libp2p.io.exceptions import IOException
from libp2p.protocol_muxer.exceptions import MultiselectCommunicatorError
from libp2p.protocol_muxer.generic_selector import GenericMultistreamSelector
from libp2p.protocol_muxer.multiselect import DEFAULT_NEGOTIATE_TIMEOUT, Multiselect
from libp2p.protocol_muxer.multiselect_client import MultiselectClient
from libp2p.protocol_muxer.multiselect_communicator import MultiselectCommunicator
from libp2p.security.security_multistream import SecurityMultistream
from libp2p.stream_muxer.muxer_multistream import MuxerMultistream
from libp2p.utils.varint import read_varint_prefixed_bytes_limited

WORD_SIZE_MAX_BYTES: Final = 1_024
"""A protocol's name, or a list of them all; the names of an ordinary node together take 500."""
WORDS_MAX: Final = 32
"""Each side names the protocol of negotiating, and then a few others until one is spoken."""
T = TypeVar("T")


class BriefCommunicator(MultiselectCommunicator):
    """Says words like the original; reads few of them, and short ones."""

    def __init__(self, communicator: IMultiselectCommunicator) -> None:
        assert isinstance(communicator, MultiselectCommunicator), "there is no other in py-libp2p"
        super().__init__(communicator.read_writer)
        self._words_left = WORDS_MAX

    async def read(self) -> str:
        """Give the peer's next word.

        Raises:
            MultiselectCommunicatorError: none came, or no word, too long a one or too many.
        """
        self._words_left -= 1
        if self._words_left < 0:
            raise MultiselectCommunicatorError("the peer goes on negotiating")
        try:
            word = await read_varint_prefixed_bytes_limited(self.read_writer, WORD_SIZE_MAX_BYTES)
            text = word.decode()
        except (ParseError, IOException, UnicodeDecodeError) as error:
            raise MultiselectCommunicatorError("the peer does not negotiate") from error
        if not text.endswith("\n"):
            raise MultiselectCommunicatorError("the peer's word does not end")
        return text[:-1]


class BriefMultiselect(Multiselect):
    """The side that is asked for a protocol."""

    async def negotiate(
        self,
        communicator: IMultiselectCommunicator,
        negotiate_timeout: int = DEFAULT_NEGOTIATE_TIMEOUT,
    ) -> tuple[TProtocol | None, StreamHandlerFn | None]:
        """Agree on a protocol; as the original, over a brief communicator."""
        return await super().negotiate(BriefCommunicator(communicator), negotiate_timeout)


class BriefMultiselectClient(MultiselectClient):
    """The side that asks for a protocol."""

    async def select_one_of(
        self,
        protocols: Sequence[TProtocol],
        communicator: IMultiselectCommunicator,
        negotiate_timeout: int = DEFAULT_NEGOTIATE_TIMEOUT,
    ) -> TProtocol:
        """Agree on a protocol; as the original, over a brief communicator."""
        brief = BriefCommunicator(communicator)
        return await super().select_one_of(protocols, brief, negotiate_timeout)


class _BriefSelector(GenericMultistreamSelector[T]):
    """Both sides, for what a connection needs before it has streams."""

    def __init__(self) -> None:
        super().__init__()
        self.multiselect = BriefMultiselect()
        self.multiselect_client = BriefMultiselectClient()


class BriefSecurityMultistream(SecurityMultistream):
    """Agrees on how a connection is secured."""

    def __init__(self, transports: TSecurityOptions) -> None:
        super().__init__({})
        self._selector = _BriefSelector()
        for protocol, transport in transports.items():
            self.add_transport(protocol, transport)


class BriefMuxerMultistream(MuxerMultistream):
    """Agrees on how a connection is multiplexed."""

    def __init__(self, muxers: TMuxerOptions, negotiate_timeout: int) -> None:
        super().__init__({}, negotiate_timeout)
        self._selector = _BriefSelector()
        for protocol, muxer in muxers.items():
            self.add_transport(protocol, muxer)
