"""A store in memory, seeded entropy and people for the tests of sessions."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from p2p.ports.store import DocumentKind
from p2p.sessions.book import IssuedBundle, Opened, Sealed, SessionBook
from p2p.sessions.identity import DeviceIdentity, make_identity
from p2p.sessions.suite import Suite
from p2p.sessions.x3dh_suite import X3dhSuite
from p2p.wire.ids import AccountKey

DAY_S = 86_400.0
START_S = 20_000 * DAY_S + 3_600.0
LIFETIME_S = 7 * DAY_S


class SeededEntropy:
    """The same bytes for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def random_bytes(self, size: int) -> bytes:
        return self._random.randbytes(size)

    def uniform(self) -> float:
        return self._random.random()


class DictStore:
    """A document store that forgets everything with the process."""

    def __init__(self) -> None:
        self.rows: dict[tuple[DocumentKind, bytes], bytes] = {}

    def put_document(self, kind: DocumentKind, key: bytes, value: bytes) -> None:
        self.rows[kind, key] = value

    def delete_document(self, kind: DocumentKind, key: bytes) -> None:
        self.rows.pop((kind, key), None)

    def document(self, kind: DocumentKind, key: bytes) -> bytes | None:
        return self.rows.get((kind, key))

    def documents(self, kind: DocumentKind) -> Iterator[tuple[bytes, bytes]]:
        return iter(sorted((key, row) for (at, key), row in self.rows.items() if at is kind))


@dataclass
class Person:
    """One device of one account, with its store."""

    seed: int
    suite: Suite = field(default_factory=X3dhSuite)
    now_s: float = START_S
    account_seed: bytes = b""

    def __post_init__(self) -> None:
        self.entropy = SeededEntropy(self.seed)
        account = self.account_seed or self.entropy.random_bytes(32)
        self.identity: DeviceIdentity = make_identity(
            account, self.entropy.random_bytes(32), int(self.now_s)
        )
        self.store = DictStore()
        self.restart()

    @property
    def key(self) -> AccountKey:
        return self.identity.account_key

    def restart(self) -> None:
        """Load the book anew: what was not flushed is lost."""
        self.book = SessionBook(self.identity, self.suite, self.store, self.entropy, self.now_s)

    def save(self) -> dict[tuple[DocumentKind, bytes], bytes]:
        self.book.flush()
        return dict(self.store.rows)

    def learn(self, other: Person, issued: IssuedBundle) -> None:
        self.book.learn_bundle(other.key, issued.bundle, issued.lookup_secret, self.now_s)

    def seal(self, other: Person, content: bytes, lifetime_s: float = LIFETIME_S) -> Sealed:
        return self.book.seal(other.key, content, lifetime_s, self.now_s)

    def open(self, sealed: Sealed | bytes) -> Opened:
        data = sealed if isinstance(sealed, bytes) else sealed.envelope
        return self.book.open(data, self.now_s)


def befriend(alice: Person, bob: Person) -> None:
    """Have both know each other's rotating bundle."""
    alice.learn(bob, bob.book.current_bundle(alice.key, bob.now_s))
    bob.learn(alice, alice.book.current_bundle(bob.key, alice.now_s))


def connected(alice: Person, bob: Person) -> None:
    """Bring both to a session that each knows the other to have."""
    befriend(alice, bob)
    bob.open(alice.seal(bob, b"hello"))
    alice.open(bob.seal(alice, b"hello yourself"))
    last = alice.seal(bob, b"fine")
    bob.open(last)
    alice.book.acknowledge(last.session, alice.now_s)


def pass_days(days: float, *people: Person) -> None:
    """Let the clock of some people go on."""
    for person in people:
        person.now_s += days * DAY_S
