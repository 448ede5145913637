import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p.errors import InvalidInput
from simulations.formats.one_events import (
    read_contacts,
    read_creations,
    write_contacts,
    write_creations,
)
from simulations.formats.one_reports import delivered_text, number_text, statistics_text
from simulations.formats.sociopatterns import read_sociopatterns
from simulations.trace import ContactChange, Creation, Delivery, Outcome


def write(tmp_path, text):
    path = tmp_path / "trace.tsv"
    path.write_text(text, encoding="utf-8")
    return path


def test_contacts_are_read(tmp_path):
    path = write(tmp_path, "# comment\n\n0\tCONN\t1\t2\tup\n1.5 CONN n1 n2 DOWN\n")
    assert read_contacts(path, 3) == [
        ContactChange(0.0, 1, 2, up=True),
        ContactChange(1.5, 1, 2, up=False),
    ]


def test_creations_are_read(tmp_path):
    path = write(tmp_path, "600\tC\tM1\t2\t0\t240055\n")
    assert read_creations(path, 3) == [Creation(600.0, "M1", 2, 0, 240055)]


def test_what_the_ones_own_reader_takes_besides(tmp_path):
    path = write(tmp_path, "0 CONN 1 2 up btInterface\r\n\r\n  # a comment\r\n")
    assert read_contacts(path, 3) == [ContactChange(0.0, 1, 2, up=True)]
    path = write(tmp_path, "0 CONN tram-1 _:2 up\n1 CONN Fähre01 n.2 down\n")
    assert [(c.first, c.second) for c in read_contacts(path, 3)] == [(1, 2), (1, 2)]
    path = write(tmp_path, "1 C M1 p2 c0 500k\n1\tC M2 2 0 2MiB 0\n1 C M3 2 0 0")
    assert [c.size_bytes for c in read_creations(path, 3)] == [500_000, 2**21, 0]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("0 CONN 1 2", "line 2: allowed is: TIME CONN NODE NODE up|down."),
        ("0 CONN 1 2 sideways", "'sideways' is no state; allowed are up and down."),
        ("0 CONN 1 3 up", "there is no node 3; allowed are 0 to 2"),
        ("0 CONN 1 x up", "is no node"),
        ("0 CONN 1 -2 up", "is no node"),
        ("0 CONN 1 n1n2 up", "is no node"),
        ("0 CONN 1 n up", "is no node"),
        ("0 CONN 1 n٢ up", "is no node"),
        ("0 CONN 1 ² up", "is no node"),
        ("soon CONN 1 2 up", "'soon' is no time; allowed are seconds from 0 up."),
        ("nan CONN 1 2 up", "is no time"),
        ("inf CONN 1 2 up", "is no time"),
        ("-1 CONN 1 2 up", "is no time"),
        ("1_0 CONN 1 2 up", "is no time"),
        ("4 CONN 1 2 up", "time 4 comes after 5; times may not go back."),
        ("5 C M1 1 2 30", "allowed is: TIME CONN"),
    ],
)
def test_bad_contacts_are_refused_with_their_place(tmp_path, line, says):
    path = write(tmp_path, f"5 CONN 0 1 up\n{line}\n")
    with pytest.raises(InvalidInput) as caught:
        read_contacts(path, 3)
    assert says in str(caught.value)
    assert f"{path}, line 2: " in str(caught.value)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("6 C M1 1 2 30", "message 'M1' exists already"),
        ("6 C M2 1 2", "allowed is: TIME C NAME SOURCE DESTINATION SIZE."),
        ("6 C M2 1 2 -3", "'-3' is no size"),
        ("6 C M2 1 2 3000000000", "at most 2147483647"),
        ("6 C M2 1 2 3G", "at most 2147483647"),
        ("6 C M2 1 2 kiB", "'kiB' is no size"),
        ("6 C M2 1 2 1.5M", "'1.5M' is no size"),
        ("6 C M2 1 2 30 400", "responses are not modelled"),
        ("6 C M2 1 9 30", "there is no node 9"),
        (f"6 C {'x' * 300} 1 2 30", "longer than 200 characters"),
    ],
)
def test_bad_creations_are_refused_with_their_place(tmp_path, line, says):
    path = write(tmp_path, f"5 C M1 0 1 10\n{line}\n")
    with pytest.raises(InvalidInput, match=r"line 2: ") as caught:
        read_creations(path, 3)
    assert says in str(caught.value)


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(InvalidInput, match=r"Cannot read .*missing\.tsv: No such file"):
        read_contacts(tmp_path / "missing.tsv", 3)
    with pytest.raises(InvalidInput, match=r"Cannot read"):
        read_contacts(tmp_path, 3)
    binary = tmp_path / "binary.tsv"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInput, match=r"no UTF-8 text"):
        read_contacts(binary, 3)


TIMES = st.lists(st.floats(0, 1e12, allow_subnormal=False), max_size=20).map(sorted)


@given(TIMES, st.data())
def test_what_is_written_is_read_again(tmp_path_factory, times, data):
    node = st.integers(0, 4)
    changes = [
        ContactChange(t, data.draw(node), data.draw(node), data.draw(st.booleans())) for t in times
    ]
    creations = [
        Creation(t, f"M{n}", data.draw(node), data.draw(node), n) for n, t in enumerate(times)
    ]
    folder = tmp_path_factory.mktemp("events")
    write_contacts(folder / "c", changes)
    write_creations(folder / "m", creations)
    again = read_contacts(folder / "c", 5)
    assert [(c.first, c.second, c.up) for c in again] == [
        (c.first, c.second, c.up) for c in changes
    ]
    assert [c.time_s for c in again] == pytest.approx(times, abs=1e-37)
    assert [c.time_s for c in again if c.time_s > 1e-18] == [t for t in times if t > 1e-18]
    assert [c.name for c in read_creations(folder / "m", 5)] == [c.name for c in creations]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.00005, "0.0001"),
        (0.00015, "0.0002"),
        (0.29345, "0.2935"),
        (1e7 / 3, "3333333.3333"),
        (2.5 / 7, "0.3571"),
        (0.0, "0.0000"),
        (1e20, "100000000000000000000.0000"),
        (float("nan"), "NaN"),
    ],
)
def test_numbers_look_as_java_prints_them(value, text):
    assert number_text(value) == text


def test_reports_by_hand():
    first = Creation(10.0, "M1", 0, 2, 500)
    second = Creation(20.0, "M2", 1, 2, 700)
    outcome = Outcome(
        sim_time_s=100.0,
        created=4,
        started=7,
        relayed=5,
        aborted=2,
        dropped=2,
        removed=0,
        deliveries=(Delivery(30.0, first, (0, 1, 2), 4), Delivery(50.5, second, (1, 2), 3)),
        buffer_times_s=(3.0, 1.0),
    )
    assert delivered_text(outcome.deliveries) == (
        "# time  ID  size  hopcount  deliveryTime  fromHost  toHost  remainingTtl  isResponse  "
        "path\n"
        "30.0000 M1 500 2 20.0000 n0 n2 4 N n0->n1->n2\n"
        "50.5000 M2 700 1 30.5000 n1 n2 3 N n1->n2\n"
    )
    text = statistics_text("x", outcome)
    assert text.startswith("Message stats for scenario x\nsim_time: 100.0000\ncreated: 4\n")
    for line in (
        "delivery_prob: 0.5000",
        "overhead_ratio: 1.5000",
        "latency_avg: 25.2500",
        "latency_med: 30.5000",
        "hopcount_avg: 1.5000",
        "hopcount_med: 2",
        "buffertime_avg: 2.0000",
        "buffertime_med: 3.0000",
    ):
        assert f"\n{line}\n" in text


def test_an_empty_run_has_no_averages():
    text = statistics_text("x", Outcome(1.0, 0, 0, 0, 0, 0, 0, (), ()))
    assert "delivery_prob: 0.0000\n" in text
    assert "overhead_ratio: NaN\n" in text
    assert "hopcount_med: 0\n" in text


def test_sociopatterns_intervals_are_joined(tmp_path):
    path = write(tmp_path, "120 17 5\n120 5 9 A B\n140 5 17\n200 5 17\n")
    trace = read_sociopatterns(path)
    assert trace.people == (5, 9, 17)
    assert trace.changes == (
        ContactChange(0.0, 0, 1, up=True),
        ContactChange(0.0, 0, 2, up=True),
        ContactChange(20.0, 0, 1, up=False),
        ContactChange(40.0, 0, 2, up=False),
        ContactChange(80.0, 0, 2, up=True),
        ContactChange(100.0, 0, 2, up=False),
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds no contact"),
        ("20 1\n", "line 1: allowed is: TIME PERSON PERSON"),
        ("20 1 1\n", "cannot meet themselves"),
        ("40 1 2\n20 1 2\n", "line 2: times may not go back"),
        ("20 1 b\n", "'b' is no person"),
    ],
)
def test_bad_sociopatterns_are_refused(tmp_path, text, says):
    with pytest.raises(InvalidInput) as caught:
        read_sociopatterns(write(tmp_path, text))
    assert says in str(caught.value)
