"""Two books over a network that loses, reorders and duplicates, with crashes and passing days.

Whatever arrives opens exactly once, and nothing else opens. A crash forgets what was not committed,
and only that: what was sealed since then never left, what was opened since then comes again.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from p2p.errors import NotAuthentic, NotReady, RemoteError, Replayed
from p2p.wire.ids import tag_of
from p2p.wire.limits import TAG_WINDOW
from simulations.standin_suite import InsecureStandinSuite
from tests.sessions.fakes import DAY_S, Person, SeededEntropy, befriend, pass_days

DAYS_MAX = 60
ALIVE_S = 29 * DAY_S
sides = st.integers(0, 1)
places = st.integers(0, 1_000)


@dataclass(eq=False)
class Mail:
    """One envelope in the network, or at its goal."""

    to: int
    content: bytes
    envelope: bytes
    proof_hash: bytes
    session: bytes
    sealed_s: float


class Conversation(RuleBasedStateMachine):
    """The real suite; :class:`StandinConversation` runs the stand-in through the same."""

    def person(self, seed: int) -> Person:
        return Person(seed)

    @initialize(by_invite=st.booleans(), offset_hours=st.integers(-20, 20))
    def meet(self, by_invite: bool, offset_hours: int) -> None:
        self.people = [self.person(seed) for seed in range(2)]
        self.days = 0.0
        self.sent = [0, 0]
        self.sealed: list[Mail] = []
        self.network: list[Mail] = []
        self.outbox: list[Mail] = []
        self.opened: list[Mail] = []
        self.opened_since_commit: list[Mail] = []
        pass_days(offset_hours / 24, self.people[1])
        if by_invite:
            invite = self.people[0].book.issue_one_time_bundle(self.people[0].now_s)
            self.people[1].learn(self.people[0], invite)
        else:
            befriend(*self.people)
        self.commit()

    @rule(side=sides, size=st.integers(0, 700))
    def send(self, side: int, size: int) -> None:
        writer, reader = self.people[side], self.people[1 - side]
        if self.out_of_reach(side):
            return
        content = self.sent[side].to_bytes(2, "big") + bytes(size)
        try:
            sealed = writer.seal(reader, content, 30 * DAY_S)
        except NotReady:
            return
        self.sent[side] += 1
        mail = Mail(
            1 - side, content, sealed.envelope, sealed.proof_hash, sealed.session, writer.now_s
        )
        self.sealed.append(mail)
        self.outbox.append(mail)

    @precondition(lambda self: self.network)
    @rule(at=places, keep=st.booleans())
    def deliver(self, at: int, keep: bool) -> None:
        mail = self.network[at % len(self.network)]
        if not keep:
            self.network.remove(mail)
        reader, writer = self.people[mail.to], self.people[1 - mail.to]
        if mail in self.opened or mail in self.opened_since_commit:
            with pytest.raises((Replayed, NotAuthentic)):
                reader.open(mail.envelope)
            return
        opened = reader.open(mail.envelope)
        assert opened.content == mail.content
        assert (opened.contact, opened.device) == (writer.key, writer.identity.device_key)
        assert opened.session == mail.session
        assert tag_of(opened.proof) == mail.proof_hash
        assert not opened.reset
        self.opened_since_commit.append(mail)
        if keep:
            writer.book.acknowledge(opened.session, writer.now_s)

    @precondition(lambda self: self.network)
    @rule(at=places)
    def lose(self, at: int) -> None:
        self.network.pop(at % len(self.network))

    @precondition(lambda self: self.network)
    @rule(at=places, byte=places, bit=st.integers(0, 7))
    def corrupt(self, at: int, byte: int, bit: int) -> None:
        mail = self.network[at % len(self.network)]
        changed = bytearray(mail.envelope)
        changed[byte % (len(changed) - 8)] ^= 1 << bit
        with pytest.raises(RemoteError):
            self.people[mail.to].open(bytes(changed))

    @rule()
    def commit(self) -> None:
        for person in self.people:
            person.save()
        self.network += self.outbox
        self.opened += self.opened_since_commit
        self.outbox, self.opened_since_commit = [], []

    @rule(side=sides)
    def crash(self, side: int) -> None:
        # Only one side forgets: the other commits first, as two nodes are two stores.
        self.people[1 - side].save()
        self.network += [mail for mail in self.outbox if mail.to == side]
        self.outbox = []
        for mail in self.opened_since_commit:
            if mail.to == side:
                self.network.append(mail)
            else:
                self.opened.append(mail)
        self.opened_since_commit = []
        self.people[side].restart()

    @rule(days=st.floats(0.1, 8.0))
    def wait(self, days: float) -> None:
        if self.days + days > DAYS_MAX:
            return
        self.days += days
        pass_days(days, *self.people)
        for person in self.people:
            assert person.book.maintain(person.now_s) > person.now_s
        self.network = [mail for mail in self.network if self.is_alive(mail)]

    @rule(side=sides)
    def introduce(self, side: int) -> None:
        writer, reader = self.people[side], self.people[1 - side]
        issued = writer.book.current_bundle(reader.key, writer.now_s)
        writer.save()
        self.commit()
        reader.learn(writer, issued)

    @invariant()
    def nothing_is_recognised_that_was_opened_in_a_session(self) -> None:
        for mail in getattr(self, "opened", [])[-3:]:
            if mail.proof_hash == mail.envelope[6:22]:
                assert not self.people[mail.to].book.recognises(mail.proof_hash)

    def out_of_reach(self, side: int) -> bool:
        """Tell whether a further message could be beyond the window of what is expected.

        Windows are of a day or a week, and begin anew with each.
        """
        since_s = self.people[side].now_s - 7 * DAY_S
        recent = [mail for mail in self.sealed if mail.sealed_s >= since_s and mail.to != side]
        unopened = [mail for mail in recent if mail not in self.opened]
        return len(unopened) >= TAG_WINDOW

    def is_alive(self, mail: Mail) -> bool:
        return self.people[1 - mail.to].now_s - mail.sealed_s < ALIVE_S


class StandinConversation(Conversation):
    """The same on the stand-in suite."""

    def person(self, seed: int) -> Person:
        return Person(seed, InsecureStandinSuite(SeededEntropy(1_000 + seed)))


TestConversation = Conversation.TestCase
TestConversation.settings = settings(max_examples=40, stateful_step_count=50, deadline=None)
TestStandinConversation = StandinConversation.TestCase
TestStandinConversation.settings = settings(max_examples=80, stateful_step_count=60, deadline=None)


MOVES = {
    "send": 30,
    "deliver": 40,
    "commit": 12,
    "lose": 2,
    "corrupt": 2,
    "crash": 1,
    "wait": 3,
    "introduce": 2,
}


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("machine", [Conversation, StandinConversation])
def test_a_long_conversation(machine: type[Conversation], seed: int) -> None:
    """The same rules under a driver that goes deeper than hypothesis does."""
    draw = random.Random(seed)
    world = machine()
    world.meet(draw.random() < 0.5, draw.randrange(-20, 21))
    for _ in range(400):
        move = draw.choices(list(MOVES), list(MOVES.values()))[0]
        at = draw.randrange(1_000)
        match move:
            case "send":
                world.send(draw.randrange(2), draw.randrange(700))
            case "deliver" if world.network:
                world.deliver(at, draw.random() < 0.2)
            case "lose" if world.network:
                world.lose(at)
            case "corrupt" if world.network:
                world.corrupt(at, draw.randrange(3_000), draw.randrange(8))
            case "crash":
                world.crash(draw.randrange(2))
            case "wait":
                world.wait(draw.expovariate(1.0) + 0.1)
            case "introduce":
                world.introduce(draw.randrange(2))
            case _:
                world.commit()
        world.nothing_is_recognised_that_was_opened_in_a_session()
    assert len(world.opened) > 40
