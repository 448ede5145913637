"""Worlds small enough to work out by hand, and The ONE's own output."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from simulations.compat.java_order import TableSize, spread, string_hash
from simulations.compat.lifetimes import Checks
from simulations.compat.replay import replay
from simulations.trace import ContactChange, Creation, ReplaySettings
from tests.simulations.naive_one import NaiveWorld

REPOSITORY = Path(__file__).parents[2]
REFERENCE = REPOSITORY / ".." / "shared" / "reference" / "one"
CLASSES = {
    "epidemic": "EpidemicRouter",
    "spray": "SprayAndWaitRouter",
    "direct": "DirectDeliveryRouter",
    "prophet": "ProphetRouter",
}


def up(time_s, first, second):
    return ContactChange(time_s, first, second, up=True)


def down(time_s, first, second):
    return ContactChange(time_s, first, second, up=False)


def run(contacts, creations, router="epidemic", **changes):
    settings = {
        "nodes": 4,
        "end_s": 1000.0,
        "rate_bytes_per_s": 100,
        "buffer_bytes": 1000,
        "ttl_min": 60,
        "name": "by-hand",
    }
    return replay(ReplaySettings(**{**settings, **changes}), contacts, creations, router, 6)


def arrivals(outcome):
    return [(d.time_s, d.creation.name, d.path) for d in outcome.deliveries]


@pytest.mark.parametrize("router", sorted(CLASSES))
@pytest.mark.parametrize("scenario", ["ref_cambridge36", "ref_infocom05_tight"])
def test_both_reports_equal_the_ones(tmp_path, scenario, router):
    """In a process of its own, which coverage does not slow down: these are long runs."""
    if not (REFERENCE / "scenarios.json").exists():
        pytest.skip("The ONE's reference data is not beside this repository")
    values = json.loads((REFERENCE / "scenarios.json").read_text())[scenario]
    options = {
        "contacts": REFERENCE / values["contacts"],
        "messages": REFERENCE / values["messages"],
        "router": router,
        "nodes": values["nodes"],
        "end": values["end_s"],
        "rate": values["rate_bytes_per_s"],
        "buffer": values["buffer_bytes"],
        "ttl": values["ttl_min"],
        "copies": values["spray_copies"],
        "fidelity": "compat",
        "out": tmp_path,
    }
    subprocess.run(
        [sys.executable, "-m", "simulations.main", "replay"]
        + [f"--{name}={value}" for name, value in options.items()],
        env={name: v for name, v in os.environ.items() if not name.startswith("COVERAGE_")},
        cwd=REPOSITORY,
        check=True,
        timeout=900,
        stdout=subprocess.DEVNULL,
    )
    stem = f"{scenario}_{CLASSES[router]}"
    delivered = (REFERENCE / f"{stem}_DeliveredMessagesReport.txt").read_text()
    assert (tmp_path / "DeliveredMessagesReport.txt").read_text() == delivered
    statistics = (REFERENCE / f"{stem}_MessageStatsReport.txt").read_text().splitlines()
    # The first line names the scenario, which is called otherwise here.
    written = (tmp_path / "MessageStatsReport.txt").read_text().splitlines()
    assert written[1:] == statistics[1:]


def test_a_transfer_takes_size_over_rate_and_ends_on_a_whole_second():
    outcome = run([up(10, 0, 1)], [Creation(5.0, "M1", 0, 1, 350)])
    assert arrivals(outcome) == [(14.0, "M1", (0, 1))]


def test_a_transfer_may_end_at_an_event_between_seconds():
    outcome = run([up(10, 0, 1), up(13.75, 2, 3)], [Creation(5.0, "M1", 0, 1, 350)])
    assert arrivals(outcome) == [(13.75, "M1", (0, 1))]


def test_what_is_through_counts_even_if_the_link_is_down_already():
    contacts = [up(10, 0, 1), down(13.5, 0, 1)]
    assert arrivals(run(contacts, [Creation(5.0, "M1", 0, 1, 350)])) == [(13.5, "M1", (0, 1))]
    broken = run([up(10, 0, 1), down(13.25, 0, 1)], [Creation(5.0, "M1", 0, 1, 350)])
    assert (arrivals(broken), broken.started, broken.aborted) == ([], 1, 1)


def test_a_node_carries_one_transfer_at_a_time():
    contacts = [up(0, 0, 1), up(0, 0, 2)]
    creations = [Creation(10.0, "M1", 0, 2, 300), Creation(10.0, "M2", 0, 1, 300)]
    assert arrivals(run(contacts, creations, "direct")) == [
        (13.0, "M1", (0, 2)),
        (16.0, "M2", (0, 1)),
    ]


def test_a_repeated_up_changes_nothing():
    contacts = [up(0, 0, 1), up(3, 1, 0), down(50, 1, 0), down(51, 0, 1)]
    outcome = run(contacts, [Creation(2.0, "M1", 0, 1, 300)])
    assert arrivals(outcome) == [(5.0, "M1", (0, 1))]


def test_up_and_down_in_one_second_leave_a_round_for_each():
    contacts = [up(10, 0, 1), down(10, 0, 1), up(10, 0, 1)]
    outcome = run(contacts, [Creation(5.0, "M1", 0, 1, 100)])
    assert (outcome.started, outcome.aborted) == (2, 1)
    assert arrivals(outcome) == [(11.0, "M1", (0, 1))]


def test_ties_of_the_queue_follow_the_hash_map():
    """Of names created in one second, "banana" sits before "apple" in a table of 16."""
    names = ["apple", "banana", "cherry"]
    creations = [Creation(5.0, name, 0, 1, 100) for name in names]
    ordered = sorted(names, key=lambda name: spread(name) & 15)
    assert ordered != names
    outcome = run([up(10, 0, 1)], creations)
    assert arrivals(outcome) == [(11.0 + n, name, (0, 1)) for n, name in enumerate(ordered)]


def test_the_oldest_is_dropped_for_a_newcomer_and_may_come_back():
    contacts = [up(10, 0, 1), up(10, 0, 2)]
    creations = [Creation(1.0, "A", 0, 3, 400), Creation(2.0, "B", 0, 3, 400)]
    outcome = run(contacts, creations, buffer_bytes=800, end_s=60.0)
    assert outcome.dropped == 0
    tight = run(contacts, creations, buffer_bytes=700, end_s=20.0)
    assert tight.dropped == 1  # A made room for B at its own source


def test_a_message_larger_than_the_buffer_stays_with_its_source():
    outcome = run([up(0, 0, 1)], [Creation(1.0, "M1", 0, 1, 2000)])
    assert (outcome.created, outcome.started, outcome.dropped) == (1, 0, 0)


def test_a_buffer_of_the_ones_default_size_has_no_end():
    big = 2_000_000_000
    creations = [Creation(1.0, "M1", 0, 1, big), Creation(1.0, "M2", 0, 1, big)]
    assert run([], creations, buffer_bytes=2**31 - 1).dropped == 0
    assert run([], creations, buffer_bytes=2**31 - 2).dropped == 1


def test_less_than_a_minute_of_life_is_none_but_the_recipient_may_have_it():
    creations = [Creation(0.0, "M1", 0, 2, 100)]
    relayed = run([up(70, 0, 1)], creations, ttl_min=2)
    assert relayed.started == 0
    late = run([up(70, 0, 2)], creations, ttl_min=2)
    assert [(d.time_s, d.remaining_ttl_min) for d in late.deliveries] == [(71.0, 0)]
    gone = run([up(121, 0, 2)], creations, ttl_min=2)
    assert (gone.started, gone.dropped) == (0, 1)
    assert gone.buffer_times_s == (120.0,)


def test_spray_halves_and_waits():
    contacts = [up(10, 0, 1), down(12, 0, 1), up(20, 1, 2), down(22, 1, 2), up(30, 2, 3)]
    creations = [Creation(1.0, "M1", 0, 9, 100)]
    outcome = run(contacts, creations, "spray", nodes=10)
    assert outcome.relayed == 2  # 6 -> 3 + 3, 3 -> 2 + 1, and 1 waits


def test_a_transfer_of_a_third_of_a_second_ends_though_rounds_at_its_start_come_after_it():
    """1 / 3 s is a hair less in binary: the round that looks whether it is over must come later."""
    creations = [Creation(0.0, "M1", 0, 1, 1), Creation(0.0, "M2", 2, 3, 1)]
    outcome = run([up(0, 0, 1)], creations, rate_bytes_per_s=3, end_s=5.0)
    assert arrivals(outcome) == [(1.0, "M1", (0, 1))]


def test_a_copy_replaced_while_it_is_sent_is_the_one_that_is_halved():
    """Node 0 sends the 2 copies it had from node 3, while 2 from node 2 take their place."""
    contacts = [
        up(1, 2, 3), down(3, 2, 3),
        up(10.5, 0, 3), up(10.6, 0, 2), down(11.75, 0, 3),
        up(12, 0, 1), down(12.9, 0, 2),
        down(19, 0, 1), up(20, 0, 4),
    ]  # fmt: skip
    creations = [Creation(0.0, "M1", 2, 9, 100)]
    settings = ReplaySettings(10, 60.0, 100, 1000, 60, "halved")
    outcome = replay(settings, contacts, creations, "spray", 8)
    assert (outcome.started, outcome.relayed) == (4, 4)
    plain = NaiveWorld(settings, "spray", 8).run(contacts, creations)
    assert (plain.started, plain.relayed) == (4, 4)


def test_a_delivered_message_is_not_taken_again():
    contacts = [up(10, 0, 1), up(20, 1, 2), down(30, 0, 1), up(40, 0, 2)]
    outcome = run(contacts, [Creation(1.0, "M1", 0, 2, 100)])
    assert arrivals(outcome) == [(21.0, "M1", (0, 1, 2))]
    assert outcome.relayed == 2


def test_addresses_need_not_begin_at_0_and_nothing_happens_without_events():
    outcome = run([up(10, 7, 9)], [Creation(5.0, "M1", 9, 7, 100)], nodes=10)
    assert arrivals(outcome) == [(11.0, "M1", (9, 7))]
    idle = run([], [], end_s=99.5)
    assert (idle.sim_time_s, idle.created) == (100.0, 0)


@pytest.mark.parametrize(
    ("text", "code"),
    [("hello", 99162322), ("polygenelubricants", 2**31), ("\U0001f600", 1772899), ("", 0)],
)
def test_string_hash_is_javas(text, code):
    assert string_hash(text) == code


def map_order(names):
    table = TableSize()
    keys = []
    for number, name in enumerate(names, start=1):
        keys.append(spread(name))
        if number >= table.quiet_below and table.add(keys[-1], number):
            table.recount(keys)
    places = range(len(names))
    return table.mask + 1, sorted(places, key=lambda place: (keys[place] & table.mask, place))


def test_map_order_is_javas():
    """Worked out with a real HashMap."""
    size, order = map_order([f"M{n}" for n in range(20)])
    assert size == 32
    assert order == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 10, 13, 12, 15, 14, 17, 16, 19, 18]
    _, order = map_order([f"x\U0001f600{n}" for n in range(30)])
    assert order == [8, 7, 9, 4, 3, 6, 5, 0, 27, 28, 2, 29, 1, *range(10, 27)]


def test_a_crowded_bucket_makes_a_small_table_grow():
    same = ["".join("Aa" if n >> b & 1 else "BB" for b in range(4)) for n in range(10)]
    assert len({spread(name) for name in same}) == 1
    assert [map_order(same[:n])[0] for n in (8, 9, 10)] == [16, 32, 64]


def test_checks_step_by_a_minute_from_whole_seconds():
    checks = Checks([])
    assert checks.after(120.0) == 180.0
    assert checks.after(120.5) == 181.0
    assert checks.last(0.0, 200.0) == 180.0
    assert (checks.last(0.0, 180.0), checks.last_before(0.0, 180.0)) == (180.0, 120.0)


def test_checks_happen_at_events_between_seconds():
    checks = Checks([160.4, 160.75, 161.0])
    assert checks.after(100.5) == 160.75
    assert checks.after(math.nextafter(100.5, 200)) == 160.75
    assert checks.last(100.5, 400.0) == 221.0 + 120.0  # 160.75, 221, then every minute
