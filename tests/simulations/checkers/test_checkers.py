"""Each checker catches a world that is broken in just the way that it is there for."""

import math

import pytest

from p2p.errors import InvalidInput
from simulations.abstract.world import AbstractWorld
from simulations.checkers.bounds import beyond_the_oracle, must_be_possible
from simulations.checkers.liveness import overdue
from simulations.checkers.safety import Safety
from simulations.holdings import Holdings
from simulations.policy import CountedPolicy, counted_policy
from simulations.trace import ContactChange, Creation, Delivery, ReplaySettings

MAIL = [Creation(1.0, "M1", 0, 3, 100), Creation(1.0, "M2", 1, 3, 100)]
LINE = [ContactChange(10.0 * n, n, n + 1, up=True) for n in range(3)]


def watched(world_class=AbstractWorld, buffer_bytes=1000, router="spray", mail=MAIL, **changes):
    """Run four nodes in a line, and give what the checker says, and the world."""
    safety = Safety(mail, Holdings(mail), buffer_bytes, math.inf, 8 if router == "spray" else None)
    settings = ReplaySettings(4, 100.0, 100, buffer_bytes, 10**6, "x")
    policy = changes.pop("policy", counted_policy(router, 8))
    world = world_class(settings, LINE, mail, policy, observer=safety, **changes)
    world.run()
    names = world.names
    for node in world.nodes:
        safety.compare(100.0, node.address, {names[row] for row in node.rows})
    return [finding.sentence for finding in safety.findings]


def lines(*told, copies=None, buffer_bytes=1000, ttl_s=50.0):
    """Tell a checker these lines, and give what it says."""
    safety = Safety(MAIL, Holdings(MAIL), buffer_bytes, ttl_s, copies)
    for number, (node, kind, *fields) in enumerate(told, start=1):
        safety.note(float(number), node, kind, tuple(fields))
    return [finding.sentence for finding in safety.findings]


BORN = (0, "created", "M1", 3, 100)
LINKED = (0, "link-up", 1)
SENT = (0, "sent", "M1", 1)
BROKEN = "message M1 came from node 0, and no link lasted all its way."


def test_a_sound_world_has_no_finding():
    assert watched() == watched(router="epidemic") == watched(forgets=[(15.0, 1)]) == []


class DeliversTwice(AbstractWorld):
    def _deliver(self, node, row):
        super()._deliver(node, row)
        super()._deliver(node, row)


class DeliversToAnybody(AbstractWorld):
    def _take(self, node, way, sent):
        super()._deliver(node, sent)


class LosesWhatItTook(AbstractWorld):
    def _take(self, node, way, sent):
        super()._take(node, way, sent)
        node.drop(node.rows[sent.index])


class KeepsInSecret(AbstractWorld):
    def _take(self, node, way, sent):
        observer, self._observer = self._observer, None
        super()._take(node, way, sent)
        self._observer = observer


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (DeliversTwice, "message M1 was delivered twice."),
        (DeliversToAnybody, "message M1 was delivered to the wrong node."),
        (LosesWhatItTook, "message M1 was taken, and is gone without cause."),
        (KeepsInSecret, "message M1 was dropped, and was not there."),
    ],
)
def test_a_broken_world_is_caught(broken, says):
    assert says in watched(broken)


def test_copies_that_multiply_are_caught():
    fair = counted_policy("spray", 8)
    generous = CountedPolicy(8, fair.given, tuple(range(256)))
    assert any("12 copies of message M1, of 8" in said for said in watched(policy=generous))


class Careless(AbstractWorld):
    """Keeps whatever comes."""

    def __init__(self, settings, *rest, **named):
        endless = ReplaySettings(4, 100.0, 100, 10**9, 10**6, "x")
        super().__init__(endless, *rest, **named)


def test_a_quota_that_is_not_kept_is_caught():
    sentence = "200 bytes are kept for others, of 150 allowed."
    assert sentence in watched(Careless, buffer_bytes=150)
    assert watched(buffer_bytes=150) == []


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ([(0, "delivered", "M1", 1)], "message M1 was delivered, and nobody sent it."),
        ([(3, "delivered", "M9", 1)], "message M9 was delivered, and nobody sent it."),
        ([(1, "created", "M1", 3, 100)], "message M1 was created, and nobody wrote it."),
        ([BORN, BORN], "message M1 was created, and nobody wrote it."),
        ([(1, "kept", "M2", 0, 1, 1)], "message M2 was taken, and nobody sent it."),
        ([BORN, *[(1, "kept", "M1", 0, 1, 1)] * 2], "message M1 was taken twice."),
        ([BORN, (1, "dropped", "M1", "expired")], "message M1 was dropped, and was not there."),
        ([BORN, (0, "dropped", "M1", "evicted")], "own message M1 was evicted."),
        ([BORN, LINKED, (1, "relayed", "M1", 0, 100)], BROKEN),
        ([BORN, SENT, (1, "relayed", "M1", 0, 100)], BROKEN),
        ([BORN, LINKED, SENT, (1, "link-down", 0), (1, "relayed", "M1", 0, 100)], BROKEN),
        (
            [BORN, LINKED, SENT, (0, "link-down", 1), LINKED, (1, "relayed", "M1", 0, 100)],
            BROKEN,
        ),
        ([BORN, LINKED, SENT, *[(1, "relayed", "M1", 0, 100)] * 2], BROKEN),
        (
            [BORN, *[(9, "link-up", 1)] * 60, (1, "kept", "M1", 0, 1, 1)],
            "message M1 was taken after the end of its lifetime.",
        ),
        (
            [BORN, *[(9, "link-up", 1)] * 60, (3, "delivered", "M1", 1)],
            "message M1 was delivered after its lifetime.",
        ),
    ],
)
def test_lines_that_must_not_be_are_caught(told, says):
    assert lines(*told) == [says]


def test_a_message_that_a_link_carries_whole_is_no_finding():
    assert lines(BORN, LINKED, SENT, (1, "relayed", "M1", 0, 100)) == []


def test_custody_that_nobody_was_told_of_is_caught():
    safety = Safety(MAIL, Holdings(MAIL), 1000, math.inf, None)
    safety.compare(9.0, 1, {"M2"})
    assert [f.sentence for f in safety.findings] == [
        "message M2 is in custody, and was never taken."
    ]


def test_who_lost_its_memory_may_be_given_a_message_again():
    again = [BORN, (3, "delivered", "M1", 1), (3, "forgot"), (3, "delivered", "M1", 1)]
    assert lines(*again) == []
    back = [BORN, (1, "kept", "M1", 0, 1, 1), (0, "forgot"), (0, "kept", "M1", 1, 1, 1)]
    assert lines(*back, (0, "dropped", "M1", "evicted")) == []


def arrival(time_s, name="M1"):
    return Delivery(time_s, Creation(1.0, name, 0, 3, 100), (0, 3), 5)


def test_the_oracle_catches_what_comes_too_early_or_from_nowhere():
    earliest = {"M1": 30.0}
    assert beyond_the_oracle([arrival(30.0)], earliest) == []
    (early,) = beyond_the_oracle([arrival(29.0)], earliest)
    assert "was delivered 1.000000 s before the oracle" in early.sentence
    (never,) = beyond_the_oracle([arrival(40.0, "M2")], earliest)
    assert "no way led there" in never.sentence
    with pytest.raises(InvalidInput, match=r"The simulator is wrong: oracle, 29\.000 s, node 3"):
        must_be_possible([arrival(29.0)], earliest)


def test_liveness_catches_what_does_not_come_in_time():
    def judge(arrived, end_s=100.0):
        return overdue(MAIL, arrived, {"M1": 30.0}, healed_s=40.0, budget_s=20.0, end_s=end_s)

    assert judge({"M1": 60.0}) == []
    assert judge({}, end_s=59.0) == []
    (late,) = judge({"M1": 61.0})
    assert "could arrive at 30.000 s, was due at 60.000 s, and came 1.000 s late." in late.sentence
    (never,) = judge({})
    assert never.sentence.endswith("and never came.")
