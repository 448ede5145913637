"""One seed draws a world: people, meetings, crashes. Safety on the way, liveness after healing."""

from __future__ import annotations

from itertools import combinations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from p2p.core.effects import MessageReceived
from p2p.ports.store import Direction, MessageRow, MessageState
from simulations.standin_suite import InsecureStandinSuite
from tests.core.world import SeededEntropy, World

NAMES = ("alice", "bob", "carol", "dave")
name = st.sampled_from(NAMES)
pair = st.tuples(name, name).filter(lambda both: both[0] != both[1])
action = st.one_of(
    st.tuples(st.just("connect"), pair),
    st.tuples(st.just("disconnect"), pair),
    st.tuples(st.just("send"), pair),
    st.tuples(st.just("crash"), name),
    st.tuples(st.just("wait"), st.sampled_from([0.005, 0.02, 1.0, 60.0, 86_400.0])),
)


def check_safety(world: World, sent: dict[str, tuple[str, str]]) -> None:
    """Nothing arrives twice, nothing that was not sent, nothing at the wrong person."""
    for one, seat in world.seats.items():
        texts = [n.message.text for n in seat.notices if isinstance(n, MessageReceived)]
        assert len(texts) == len(set(texts))
        for text in texts:
            assert sent[text][1] == one


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    actions=st.lists(action, max_size=40),
    router=st.sampled_from(["spray", "epidemic", "direct"]),
)
def test_whatever_happens_all_mail_arrives_once_after_healing(
    actions: list[tuple[str, object]], router: str
) -> None:
    world = World(lambda n: InsecureStandinSuite(SeededEntropy(n)), router=router)
    for one in NAMES:
        world.add(one)
    for guest, host in combinations(NAMES, 2):
        world.befriend(host, guest)
    sent: dict[str, tuple[str, str]] = {}
    for kind, argument in actions:
        act(world, kind, argument, sent)
        check_safety(world, sent)
    for _ in range(3):
        for a, b in combinations(NAMES, 2):
            world.disconnect(a, b)
            world.connect(a, b)
        world.run(600.0)
    check_safety(world, sent)
    for text, (sender, _) in sent.items():
        (row,) = [row for row in out_of(world, sender) if row.text == text]
        assert row.state in (MessageState.DELIVERED, MessageState.EXPIRED), text


def out_of(world: World, sender: str) -> list[MessageRow]:
    store = world.seats[sender].store
    return store.newest_messages(direction=Direction.OUT, contact=None, limit=1000)


def act(world: World, kind: str, argument: object, sent: dict[str, tuple[str, str]]) -> None:
    match kind, argument:
        case "connect", (str(a), str(b)):
            world.disconnect(a, b)
            world.connect(a, b)
        case "disconnect", (str(a), str(b)):
            world.disconnect(a, b)
        case "send", (str(a), str(b)):
            if any(c.account_key == world.seats[b].account for c in world.seats[a].node.contacts()):
                text = f"message {len(sent)}"
                sent[text] = (a, b)
                world.send(a, b, text)
        case "crash", str(one):
            world.crash(one)
        case "wait", float(seconds):
            world.run(seconds)
        case _:
            raise AssertionError(kind)
