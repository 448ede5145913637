"""Records for tests of the mesh: publishing, looking, and a neighbour that says anything."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from msgspec.structs import replace as replace_fields

from p2p.core.config import NodeConfig, RecordConfig
from p2p.core.effects import Disconnect, Effect, Noted, Notice, Notify, SendFrame
from p2p.core.events import Event, FrameReceived, LinkClosed, LinkOpened, Woken
from p2p.core.records.reader import Record, Verdict
from p2p.crypto.record_signature import author_key_of, author_seed_of, sign_record
from p2p.ports.store import RecordRow
from p2p.sessions.x3dh_suite import X3dhSuite
from p2p.wire.frames import (
    Accepts,
    Credit,
    Frame,
    Hello,
    RecordAnswer,
    RecordOffer,
    RecordPart,
    RecordReason,
    RecordWant,
    RecordWish,
    decode_frame,
    encode_frame,
)
from p2p.wire.ids import AccountKey, PeerId, RecordId
from p2p.wire.limits import RECORD_PART_SIZE_BYTES
from p2p.wire.record import RecordHeader, body_hash, encode_record_header, record_id
from tests.core.world import LINK_LATENCY_S, START_S, Seat, World, peer_for

NOTES = 77
"""A kind that means nothing to this version."""
STATUS_LIST = 3
DAY_S = 86_400


def publish(
    world: World,
    name: str,
    body: bytes,
    *,
    kind: int = NOTES,
    record: bytes = b"news",
    version: int | None = None,
    life_s: float = 30.0 * DAY_S,
) -> RecordRow:
    """Publish as the shell does it: inside a transaction, and then a batch ends."""
    seat = world.seats[name]
    records = seat.node.records
    with seat.store.transaction():
        number = records.next_version(kind, record) if version is None else version
        row = records.publish(kind, record, number, body, world.now_s + life_s, world.now_s)
    world.post(name)
    return row


def held(world: World, name: str, row: RecordRow) -> bytes | None:
    """Give the body that a node has under the key of ``row``."""
    found = world.seats[name].node.records.get(row.key.author, row.key.kind, row.key.name)
    return None if found is None else found.body


@dataclass
class Reader:
    """Judges as it is told: by the first byte of a body."""

    verdicts: dict[bytes, Verdict] = field(default_factory=dict)
    told: list[bytes] = field(default_factory=list)

    def judge(self, record: Record, now_s: float) -> Verdict:
        return self.verdicts.get(record.body[:1], Verdict.KEEP)

    def arrived(self, record: Record, row: RecordRow, now_s: float) -> list[Effect]:
        self.told.append(record.body)
        return [Noted("reader-told")]


def signed(
    author: str,
    body: bytes = b"body",
    *,
    kind: int = NOTES,
    name: bytes = b"news",
    version: int = 1,
    issued_s: float = START_S,
    expires_s: float = START_S + 30 * DAY_S,
    **changes: object,
) -> RecordHeader:
    """A header by an author of that name; ``changes`` are made after signing."""
    seed = author_seed_of(author.encode().ljust(32))
    header = RecordHeader(
        1,
        kind,
        author_key_of(seed),
        name,
        version,
        int(issued_s),
        int(expires_s),
        len(body),
        body_hash(body),
        bytes(64),
    )
    return replace_fields(sign_record(seed, header), **changes)


class Stage:
    """One node, and neighbours that say what the test wants."""

    def __init__(self, **limits: object) -> None:
        records = replace(RecordConfig(), **limits)  # type: ignore[arg-type]
        self.config = replace(NodeConfig(), records=records)
        self.now_s = START_S
        self.seat = Seat("victim", self.config, X3dhSuite(), START_S)
        self.said: list[tuple[PeerId, Frame]] = []
        self.notices: list[Notice] = []
        self.notes: list[str] = []
        self.sent_away: list[PeerId] = []

    def step(self, *events: Event) -> list[Frame]:
        """Handle events in one batch; give the frames that were said."""
        first = len(self.said)
        for effect in self.seat.step(list(events), self.now_s):
            match effect:
                case SendFrame(peer, data):
                    self.said.append((peer, decode_frame(data)))
                case Notify(notice):
                    self.notices.append(notice)
                case Noted(kind):
                    self.notes.append(kind)
                case Disconnect(peer):
                    self.sent_away.append(peer)
                case _:
                    pass
        return [frame for _, frame in self.said[first:]]

    def say(self, peer: PeerId, *frames: Frame) -> list[Frame]:
        """Have a neighbour say something."""
        return self.step(*(FrameReceived(peer, encode_frame(frame)) for frame in frames))

    def meet(
        self,
        name: str = "mallory",
        *,
        accepts: int = int(Accepts.MAIL | Accepts.RECORDS),
        window: int = 16 * 1_048_576,
    ) -> PeerId:
        """Open a link with a neighbour that says Hello."""
        peer = peer_for(name)
        self.step(LinkOpened(peer, LINK_LATENCY_S))
        self.say(peer, Hello((1,), int(self.now_s), window, accepts, b""))
        return peer

    def befriend(self, peer: PeerId) -> None:
        """Make the neighbour a contact's node."""
        contacts = self.seat.node._record_sync.contacts
        account = AccountKey(peer.encode()[:32])
        address = f"/ip4/192.0.2.7/tcp/4001/p2p/{peer}"
        with self.seat.store.transaction():
            record = contacts.add(account, peer, "", self.now_s)
            contacts.save(record, addresses=(address,))

    def part(self, peer: PeerId) -> list[Frame]:
        """Close a link; give what is said to others."""
        return self.step(LinkClosed(peer))

    def wait(self, seconds: float) -> list[Frame]:
        """Let time pass, waking the node whenever it asked for it."""
        end_s = self.now_s + seconds
        first = len(self.said)
        while (at := self.seat.node.next_wakeup()) is not None and at <= end_s:
            assert at > self.now_s or not self._woken_twice(at)
            self.now_s = max(self.now_s, at)
            self.step(Woken())
        self.now_s = end_s
        return [frame for _, frame in self.said[first:]]

    _last: tuple[float, int] = (0.0, 0)

    def _woken_twice(self, at: float) -> bool:
        """Tell whether the node asks to be woken for the same moment again and again."""
        moment, times = self._last
        self._last = (at, times + 1 if at == moment else 0)
        return self._last[1] > 20

    def fates(self, frames: list[Frame]) -> list[RecordReason]:
        """Give what the node said of records."""
        return [
            RecordReason(fate.reason)
            for frame in frames
            if isinstance(frame, RecordAnswer)
            for fate in frame.fates
        ]

    def offer(self, peer: PeerId, *headers: RecordHeader) -> list[RecordReason]:
        """Offer records; give the answers in order."""
        offer = RecordOffer(tuple(encode_record_header(header) for header in headers))
        return self.fates(self.say(peer, offer))

    def bring(self, peer: PeerId, header: RecordHeader, body: bytes) -> RecordReason:
        """Offer a record and serve all that the node wants of it; give its last answer."""
        answers = self.say(peer, RecordOffer((encode_record_header(header),)))
        return self.fates(answers + self.serve(peer, answers, {record_id(header): body}))[-1]

    def serve(
        self, peer: PeerId, frames: list[Frame], bodies: dict[RecordId, bytes]
    ) -> list[Frame]:
        """Serve what the frames want, and what is wanted then; give all that was said."""
        said: list[Frame] = []
        while wishes := wishes_in(frames):
            parts = [part for wish in wishes for part in parts_of(wish, bodies)]
            if not parts:
                break
            frames = self.say(peer, *parts)
            said += frames
            self.pay(peer, frames)
        return said

    def pay(self, peer: PeerId, frames: list[Frame]) -> None:
        """Give back the credit of frames."""
        used = sum(len(encode_frame(f)) for f in frames if not isinstance(f, Credit | Hello))
        if used:
            self.say(peer, Credit(used))


def wishes_in(frames: list[Frame]) -> list[RecordWish]:
    return [wish for f in frames if isinstance(f, RecordWant) for wish in f.wishes]


def parts_of(wish: RecordWish, bodies: dict[RecordId, bytes]) -> list[RecordPart]:
    body = bodies.get(RecordId(wish.id), b"")
    size = RECORD_PART_SIZE_BYTES
    return [
        RecordPart(wish.id, number, body[number * size : (number + 1) * size])
        for number in range(wish.first, wish.first + wish.parts)
        if number * size < len(body)
    ]


def offer(*headers: RecordHeader) -> RecordOffer:
    return RecordOffer(tuple(encode_record_header(header) for header in headers))


def keeps(stage: Stage, header: RecordHeader) -> bool:
    return record_id(header) in stage.seat.node.records


def own(stage: Stage, body: bytes, name: bytes = b"own") -> RecordId:
    records = stage.seat.node.records
    with stage.seat.store.transaction():
        return records.publish(NOTES, name, 0, body, START_S + DAY_S, START_S).id
