"""The replay that skips idle rounds agrees with a plain model that runs them all."""

from hypothesis import given, settings
from hypothesis import strategies as st

from simulations.compat.replay import replay
from simulations.trace import ContactChange, Creation, ReplaySettings
from tests.simulations.naive_one import NaiveWorld

TIMES = st.one_of(
    st.integers(0, 400).map(float),
    st.integers(0, 20).map(lambda n: n * 20.0),
    st.floats(0, 400, allow_subnormal=False),
    st.sampled_from([0.5, 60.5, 120.25, 59.999999999, 61.1]),
)


@st.composite
def worlds(draw):
    nodes = draw(st.integers(2, 7))
    address = st.integers(0, nodes - 1)
    contacts = draw(
        st.lists(st.builds(ContactChange, TIMES, address, address, st.booleans()), max_size=60)
    )
    ids = draw(st.lists(st.text("ABab019é\U0001f600", min_size=1, max_size=4), unique=True))
    creations = [
        Creation(
            draw(TIMES),
            name,
            draw(address),
            draw(address),
            draw(st.sampled_from([0, 1, 7, 100, 250, 500, 999, 1000, 1001, 3000])),
        )
        for name in ids
    ]
    return (
        ReplaySettings(
            nodes=nodes,
            end_s=draw(st.sampled_from([100.0, 333.5, 500.0])),
            rate_bytes_per_s=draw(st.sampled_from([3, 30, 100, 250, 1_000_000])),
            buffer_bytes=draw(st.sampled_from([500, 1000, 2500, 10_000])),
            ttl_min=draw(st.sampled_from([0, 1, 2, 3, 5, 600])),
            name="random",
        ),
        sorted(contacts, key=lambda c: c.time_s),
        sorted(creations, key=lambda c: c.time_s),
    )


@given(worlds(), st.sampled_from(["epidemic", "spray", "direct", "prophet"]), st.integers(1, 9))
@settings(max_examples=300, deadline=None)
def test_replay_equals_the_plain_model(world, router, copies):
    scenario, contacts, creations = world
    ours = replay(scenario, contacts, creations, router, copies)
    plain = NaiveWorld(scenario, router, copies).run(contacts, creations)
    assert [
        (d.time_s, d.creation.name, d.path, d.remaining_ttl_min) for d in ours.deliveries
    ] == plain.delivered
    assert (ours.started, ours.relayed, ours.aborted) == (
        plain.started,
        plain.relayed,
        plain.aborted,
    )
    assert list(ours.buffer_times_s) == plain.buffer_times
    assert ours.sim_time_s == plain.now
