"""Issuers, publishers and a node's trust for the tests of trust; time stands at NOW."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import cbor2
import pytest

from p2p.adapters.memory_store import MemoryStore
from p2p.core.config import RecordConfig, TrustConfig
from p2p.core.effects import Effect, Notify
from p2p.core.records.records import Records
from p2p.core.trust.commands import TrustCommands
from p2p.core.trust.events import (
    AnchorPurpose,
    AnchorsAdded,
    AnchorsTaken,
    ListTaken,
    ListView,
    StatusListImported,
    TrustChanged,
    TrustForgotten,
    TrustForm,
    TrustListImported,
    TrustRemoved,
)
from p2p.core.trust.floor import SHIPPED, TrustFloor
from p2p.core.trust.records import TrustRecords
from p2p.core.trust.trust import Trust, Use
from p2p.credentials.verify import ShortNonceMemory, verify
from p2p.errors import CredentialError
from p2p.ports.store import RecordTier
from p2p.wire.ids import CommandId, PeerId
from p2p.wire.record import decode_record_header
from tests.credentials.attempts import SD_REQUEST
from tests.credentials.issuer import SdJwt, StatusToken, compact, x5c
from tests.credentials.mdoc_issuer import sign1, tdate
from tests.credentials.pki import (
    DAY,
    DOC_TYPE,
    LIST_URI,
    NOW,
    Party,
    World,
    authority,
    cose_alg,
    der,
    jose_alg,
    leaf,
    new_key,
    pem,
)

STATUS_USAGE = "1.3.6.1.5.5.7.3.30"
ISSUER = authority("Utopia IACA")
STATUS = leaf(ISSUER, "Utopia Status", usages=(STATUS_USAGE,))
EVIL_ISSUER = authority("Utopia IACA")
EVIL_STATUS = leaf(EVIL_ISSUER, "Utopia Status", usages=(STATUS_USAGE,))
LIST_ROOT = authority("List root")
VICAL_SIGNER = leaf(LIST_ROOT, "VICAL signer", usages=("1.0.18013.5.1.8",))
LOTE_SIGNER = leaf(LIST_ROOT, "LoTE signer", usages=("0.4.0.2231.3.0",))
COMMAND = CommandId("c")


def status_list(issued_s: int = NOW - 3_600, revoked: int = 7, **changes: Any) -> bytes:
    """A status list token of Utopia."""
    token = StatusToken(changes.pop("signer", STATUS), {revoked: 1}, issued_at=issued_s, **changes)
    return token.jwt()


def vical(number: int = 7, issued_s: int = NOW - 3_600, **changes: Any) -> bytes:
    """A VICAL that has Utopia's authority, unless others are named."""
    signer: Party = changes.pop("signer", VICAL_SIGNER)
    parties = changes.pop("parties", (ISSUER,))
    payload = {
        "version": "1.0",
        "vicalProvider": "Registry",
        "date": tdate(issued_s),
        "nextUpdate": tdate(issued_s + DAY),
        "vicalIssueID": number,
        "certificateInfos": [
            {"certificate": der(party.cert), "docType": [DOC_TYPE]} for party in parties
        ],
    } | changes
    head = {1: cose_alg(signer.key)}
    chain = {33: signer.chain[0]}
    return cbor2.dumps(sign1(head, chain, cbor2.dumps(payload), signer.key, attached=True))


def lote(number: int = 3, kind: str = "pid", **changes: Any) -> bytes:
    """A LoTE that has Utopia's authority, unless another is named."""
    signer: Party = changes.pop("signer", LOTE_SIGNER)
    party: Party = changes.pop("party", ISSUER)
    listed = [{"val": base64.b64encode(der(party.cert)).decode()}]
    information = {
        "ServiceTypeIdentifier": "http://uri.etsi.org/19602/SvcType/PID/Issuance",
        "ServiceDigitalIdentity": {"X509Certificates": listed},
    }
    scheme = {
        "SchemeOperatorName": [{"lang": "en", "value": "Operator"}],
        "ListIssueDateTime": datetime.fromtimestamp(NOW - 3_600, UTC).isoformat(),
        "LoTESequenceNumber": number,
        "LoTEType": kind,
    } | changes
    services = [{"ServiceInformation": information}]
    payload = {
        "ListAndSchemeInformation": scheme,
        "TrustedEntitiesList": [{"TrustedEntityServices": services}],
    }
    header = {"alg": jose_alg(signer.key), "x5c": x5c(signer)}
    return compact(header, {"LoTE": payload}, signer.key).encode()


@dataclass
class Node:
    """The trust of one node over a store; :meth:`restart` loads it anew."""

    config: TrustConfig = field(default_factory=TrustConfig)
    floor: TrustFloor = SHIPPED
    store: MemoryStore = field(default_factory=MemoryStore)
    seed: bytes = bytes(32)
    now_s: float = float(NOW)
    told: list[TrustChanged] = field(default_factory=list[TrustChanged])
    effects: list[Effect] = field(default_factory=list[Effect])

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.trust = Trust(self.store, self.config, self.floor)
        self.records = Records(self.store, self.seed, RecordConfig())
        self.mesh = TrustRecords(self.trust, self.records)
        self.records.reader = self.mesh
        self.commands = TrustCommands(self.trust, self.mesh)

    def do(self, command: Any) -> Any:
        effects: list[Effect] = []
        with self.store.transaction():
            result = self.commands.carry_out(command, self.now_s, effects)
        self._hear(effects)
        return result

    def pin(self, *parties: Party, label: str = "", **changes: Any) -> AnchorsTaken:
        text = b"".join(pem(party.cert) for party in parties)
        purpose = changes.pop("purpose", AnchorPurpose.ISSUERS)
        test = changes.pop("test", False)
        return self.do(AnchorsAdded(COMMAND, text, label, purpose, test, **changes))

    def import_list(
        self, data: bytes, form: TrustForm = TrustForm.VICAL, root: str = "", private: bool = False
    ) -> ListTaken:
        return self.do(TrustListImported(COMMAND, form, data, root, private))

    def import_status(self, data: bytes, private: bool = False) -> ListTaken:
        return self.do(StatusListImported(COMMAND, data, private))

    def remove(self, reference: str) -> TrustForgotten:
        return self.do(TrustRemoved(COMMAND, reference))

    def lists(self, form: TrustForm | None = None) -> list[ListView]:
        every = self.trust.view(self.now_s).lists
        return [one for one in every if form in (None, one.form)]

    def carry_to(self, other: Node) -> list[str]:
        """Give everything that is carried here to another node; give the reasons it says."""
        said: list[str] = []
        for record in self.records.in_order_of_transfer():
            row, body = self.records.row(record), self.records.body(record)
            assert row is not None
            assert body is not None
            header = decode_record_header(row.header)
            with other.store.transaction():
                reason, effects = other.records.take(
                    header, body, RecordTier.STRANGER, PeerId("12D3KooWGiver"), other.now_s
                )
            other._hear(effects)
            said.append(reason.name)
        return said

    def tiers(self) -> list[str]:
        """The tier of each record here, in the order of their keeping."""
        return [row.tier.value for kind in (1, 2, 3) for row in self.records.all(kind)]

    def revoked(self, index: int = 7, uri: str = LIST_URI) -> bool:
        """Whether the book calls a credential of Utopia revoked."""
        book = self.trust.status_book()
        found = [one for (_, address), one in book._lists.items() if address == uri]
        return any(one.bits.at(index) == 1 for one in found)

    def _hear(self, effects: list[Effect]) -> None:
        self.effects += effects
        for effect in effects:
            if isinstance(effect, Notify) and isinstance(effect.notice, TrustChanged):
                self.told.append(effect.notice)


def node(number: int = 0, **changes: Any) -> Node:
    """A node with a key of its own."""
    return Node(seed=bytes([number]) * 32, **changes)


def credential(index: int = 7) -> bytes:
    """A presentation of a credential of Utopia, for SD_REQUEST."""
    world = World(ISSUER, leaf(ISSUER), leaf(ISSUER), new_key())
    return SdJwt(world).with_status(index).build()


def verdict(where: Node, presentation: bytes, use: Use = Use.AGE_CHECK) -> Any:
    """What a verifier at this node finds."""
    return verify(
        presentation,
        SD_REQUEST,
        where.trust.store(where.now_s),
        where.trust.status_book(),
        int(where.now_s),
        nonces=ShortNonceMemory(),
        policy=where.trust.policy(use),
    )


def refusal(work: Any) -> str:
    """The rule by which something is refused."""
    with pytest.raises(CredentialError) as caught:
        work()
    return caught.value.rule
