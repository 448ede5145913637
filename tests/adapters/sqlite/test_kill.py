"""kill -9: whatever was reported as committed is there, and nothing half done is."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

from p2p.adapters.sqlite import create_store, open_store
from p2p.ports.store import Direction
from tests.ports.store_rows import everything, message_id, record_id

ROOT = Path(__file__).parents[3]
KEY = bytes(range(32))
KILLS = 10
REPORTS_MAX = 120

CHILD = """
import sys
from pathlib import Path
from p2p.adapters.sqlite import open_store
from tests.ports.store_rows import (
    custody, envelope_id, history, message, message_id, record, record_key
)


store = open_store(Path(sys.argv[1]), bytes(range(32)))
for number in range(int(sys.argv[2]), 1_000_000):
    with store.transaction():
        store.add_message(message(number, text="x" * (number % 7_000)), history("queued"))
        store.add_envelope(custody(number), bytes(number % 7_000))
        if number >= 20:
            store.delete_envelope(envelope_id(number - 20))
        store.put_record(record(number, key=record_key(1)), bytes(number * 1_000 % 70_000 + 1))
    print(number, flush=True)
"""


def test_what_was_reported_is_there(tmp_path: Path) -> None:
    path = tmp_path / "molva.db"
    create_store(path, KEY).close()
    moments = random.Random(9)  # only how many reports to wait for: any moment may do
    first = 1
    for _ in range(KILLS):
        reported = run_and_kill(path, first, moments.randint(1, REPORTS_MAX))
        first = check(path, reported) + 1


def run_and_kill(path: Path, first: int, reports: int) -> int:
    """Let a child commit, kill it after so many reports, and give the last one it made."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path), str(first)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        lines = [child.stdout.readline() for _ in range(reports)]
        child.send_signal(signal.SIGKILL)
        lines += child.stdout.readlines()
        child.wait(timeout=30)
    assert child.returncode == -signal.SIGKILL
    complete = [int(line) for line in lines if line.endswith("\n")]
    assert complete == list(range(first, first + len(complete)))
    return complete[-1]


def check(path: Path, reported: int) -> int:
    """Give the last message, after finding that each transaction is there whole or not at all."""
    store = open_store(path, KEY)
    numbers = []
    after = 0
    while rows := store.messages(
        direction=Direction.OUT, contact=None, states=(), after_order=after, limit=500
    ):
        numbers += [int.from_bytes(row.id, "big") for row in rows]
        after = rows[-1].order
    last = numbers[-1]
    assert numbers == list(range(1, last + 1))
    assert reported <= last <= reported + 1
    assert all(len(store.history(message_id(number), Direction.OUT)) == 1 for number in numbers)
    kept = [int.from_bytes(row.id, "little") for row in store.custody()]
    assert kept == list(range(max(1, last - 19), last + 1))
    assert everything(store)[0].text == "x"
    [kept_record] = store.records()
    assert kept_record.id == record_id(last)
    body = store.record_body(kept_record.id)
    assert body is not None
    assert len(body) == last * 1_000 % 70_000 + 1
    store.close()
    return last
