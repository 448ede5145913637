"""Holders and verifiers in the deterministic world, with the tests' own issuer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import cbor2
from cryptography.hazmat.primitives import serialization

from p2p.core.exchange.events import (
    NOBODY_YET,
    AnswerMade,
    CredentialAnswered,
    CredentialAsked,
    CredentialImported,
    CredentialList,
    EngagementScanned,
    Question,
    RequestList,
    RequestsListed,
    RequestView,
    VerdictReached,
    VerdictView,
)
from p2p.core.trust.events import AnchorPurpose, AnchorsAdded, AnchorsTaken, StatusListImported
from p2p.core.trust.trust import Use
from p2p.credentials.policy import StatusPolicy
from p2p.errors import MolvaError
from p2p.ports.store import DocumentKind
from tests.core.world import START_S, World
from tests.credentials.issuer import SdJwt, StatusToken
from tests.credentials.mdoc_issuer import Mdoc, tdate
from tests.credentials.pki import DAY, VCT, new_key, new_world, pem
from tests.credentials.pki import World as Pki

NOW = int(START_S)
KIND = ("dc+sd-jwt", VCT)
MDL = ("mso_mdoc", "org.iso.18013.5.1.mDL")
T = TypeVar("T")


def key_pem(key: Any) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


@dataclass
class Issuer:
    """Issues what is valid in the world's time."""

    pki: Pki

    def sd_jwt(self, key: Any, bend: Callable[[SdJwt], Any] = lambda _: None) -> bytes:
        case = SdJwt(self.pki).with_holder(key)
        case.payload |= {"iat": NOW - DAY, "exp": NOW + 10 * DAY}
        bend(case)
        return case.covered().encode()

    def mdoc(self, key: Any, bend: Callable[[Mdoc], Any] = lambda _: None) -> bytes:
        case = Mdoc(self.pki).with_holder(key)
        case.validity = {
            "signed": tdate(NOW - DAY),
            "validFrom": tdate(NOW - DAY),
            "validUntil": tdate(NOW + 10 * DAY),
        }
        bend(case)
        return cbor2.dumps(case.document()["issuerSigned"])

    def bundle(self, count: int) -> bytes:
        """Copies of one credential, each with a key of its own."""
        keys = [new_key() for _ in range(count)]
        copies = [
            {
                "format": "dc+sd-jwt",
                "credential": self.sd_jwt(key).decode(),
                "holder_key": key_pem(key).decode(),
            }
            for key in keys
        ]
        return json.dumps({"molva_credential_bundle": 1, "copies": copies}).encode()

    def status(self, **changes: Any) -> bytes:
        token = StatusToken(self.pki.status, issued_at=NOW - 3_600, **changes)
        token.changes = {"exp": NOW + 30 * DAY}
        return token.jwt()


class People:
    """A world in which everybody may hold, ask and trust."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.issuer = Issuer(new_world())

    def do(self, name: str, command: Any, expected: type[T]) -> T:
        result = self.world.command(name, command)
        assert isinstance(result, expected), result
        return result

    def refused(self, name: str, command: Any) -> MolvaError:
        return self.do(name, command, MolvaError)

    def id(self) -> Any:
        return self.world.next_command()

    def trusts(self, name: str, *, test: bool = False) -> None:
        command = AnchorsAdded(
            self.id(), pem(self.issuer.pki.root.cert), "Utopia", AnchorPurpose.ISSUERS, test
        )
        self.do(name, command, AnchorsTaken)

    def learns_status(self, name: str, **changes: Any) -> None:
        command = StatusListImported(self.id(), self.issuer.status(**changes), private=False)
        result = self.world.command(name, command)
        assert not isinstance(result, MolvaError), result

    def holds(self, name: str, data: bytes = b"", key: Any = None) -> bytes:
        key = key or new_key()
        data = data or self.issuer.sd_jwt(key)
        pem_ = b"" if data.startswith(b"{") else key_pem(key)
        taken = self.do(name, CredentialImported(self.id(), data, pem_), CredentialList)
        return taken.credentials[0].id

    def question(self, **changes: Any) -> Question:
        given: dict[str, Any] = {
            "purpose": "age check",
            "kinds": (KIND,),
            "elements": ("age_over_18",),
            "use": Use.AGE_CHECK,
            "status": StatusPolicy.REQUIRE,
            "lifetime_s": 3_600.0,
        }
        return Question(**(given | changes))

    def asks(self, name: str, of: str = "", **changes: Any) -> RequestView:
        contact = self.world.seats[of].account if of else NOBODY_YET
        command = CredentialAsked(self.id(), contact, self.question(**changes))
        return self.do(name, command, RequestView)

    def scans(self, name: str, text: str) -> RequestView:
        return self.do(name, EngagementScanned(self.id(), text), RequestView)

    def answering(self, request: bytes, credential: bytes, **changes: Any) -> CredentialAnswered:
        given: dict[str, Any] = {"elements": ("age_over_18",), "reuse": 0, "as_frames": 0}
        return CredentialAnswered(self.id(), request, credential, **(given | changes))

    def answers(self, name: str, request: bytes, credential: bytes, **changes: Any) -> AnswerMade:
        return self.do(name, self.answering(request, credential, **changes), AnswerMade)

    def asked_of(self, name: str) -> list[RequestView]:
        return [view for view in self.all(name) if not view.outgoing]

    def all(self, name: str) -> tuple[RequestView, ...]:
        return self.do(name, RequestsListed(self.id()), RequestList).requests

    def view(self, name: str, id_: bytes, *, outgoing: bool) -> RequestView:
        return next(v for v in self.all(name) if v.id == id_ and v.outgoing == outgoing)

    def verdicts(self, name: str) -> list[VerdictView]:
        notices = self.world.seats[name].notices
        found = [n.request.verdict for n in notices if isinstance(n, VerdictReached)]
        return [verdict for verdict in found if isinstance(verdict, VerdictView)]

    def notes(self, name: str) -> list[str]:
        return [note.kind for note in self.world.seats[name].notes]

    def stored(self, name: str, kind: DocumentKind) -> list[bytes]:
        return [value for _, value in self.world.seats[name].store.documents(kind)]


def verdict_of(people: People, out: RequestView, name: str = "alice") -> VerdictView:
    verdict = people.view(name, out.id, outgoing=True).verdict
    assert isinstance(verdict, VerdictView)
    return verdict
