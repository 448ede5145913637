"""Making and opening a store file, and every way in which it is not ours to read."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlcipher3 import dbapi2

from p2p.adapters.sqlite import create_store, open_store
from p2p.adapters.sqlite.connection import Database
from p2p.adapters.sqlite.migrations import MIGRATIONS, migrate
from p2p.errors import (
    Conflict,
    EnvironmentFault,
    HomeMissing,
    StoreDamaged,
    StoreLocked,
    VersionUnsupported,
)
from p2p.ports.store import Direction, DocumentKind, HistoryEntry
from p2p.wire.ids import MessageId
from tests.ports.store_contract import fill, snapshot
from tests.ports.store_rows import custody, envelope_id, record, version

KEY = bytes(range(32))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A closed store with something in it."""
    path = tmp_path / "molva.db"
    store = create_store(path, KEY)
    with store.transaction():
        fill(store)
        for number in range(100, 200):
            store.add_envelope(custody(number), bytes(2_000))
    store.close()
    return path


def test_nothing_is_readable_on_the_disk(tmp_path: Path) -> None:
    store = create_store(tmp_path / "molva.db", KEY)
    with store.transaction():
        store.put_document(DocumentKind.SETTING, b"the key of it", b"MARKER" * 100)
    on_disk = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    store.close()
    on_disk += (tmp_path / "molva.db").read_bytes()
    assert len(on_disk) > 8_192
    for text in (b"MARKER", b"SQLite", b"documents", KEY, KEY.hex().encode()):
        assert text not in on_disk


def test_only_the_owner_may_read_its_files(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store = create_store(tmp_path / "molva.db", KEY)
    finally:
        os.umask(before)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    store.close()
    assert modes == {"molva.db": 0o600, "molva.db-wal": 0o600}


def test_making_replaces_nothing(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(Conflict, match=r"molva\.db is there already"):
        create_store(path, KEY)
    assert path.read_bytes() == before


def test_making_where_nothing_can_be(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="No such file"):
        create_store(tmp_path / "missing" / "molva.db", KEY)


def test_a_failed_making_lets_go_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(database: Database) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("p2p.adapters.sqlite.store.migrate", fail)
    with pytest.raises(KeyboardInterrupt):
        create_store(tmp_path / "molva.db", KEY)
    connection = sqlite3.connect(tmp_path / "molva.db", timeout=0)
    connection.close()


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(HomeMissing, match="There is no store at"):
        open_store(tmp_path / "molva.db", KEY)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "molva.db").mkdir()
    with pytest.raises(EnvironmentFault, match="cannot be opened"):
        open_store(tmp_path / "molva.db", KEY)


def test_a_file_on_the_way(path: Path) -> None:
    with pytest.raises(EnvironmentFault, match="cannot be opened: Not a directory"):
        open_store(path / "molva.db", KEY)


def test_another_process_has_it_open(path: Path) -> None:
    first = open_store(path, KEY)
    with pytest.raises(StoreLocked, match="Another process has"):
        open_store(path, KEY)
    first.close()
    open_store(path, KEY).close()


def flipped(offset: float) -> Callable[[bytes], bytes]:
    def damage(data: bytes) -> bytes:
        place = int(len(data) * offset)
        return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]

    return damage


def plain_sqlite(data: bytes) -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE other (a)")
    return connection.serialize()


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(flipped(0), id="first-byte"),
        pytest.param(flipped(0.01), id="early-byte"),
        pytest.param(flipped(0.5), id="middle-byte"),
        pytest.param(flipped(0.9999), id="last-byte"),
        pytest.param(lambda data: bytes(len(data)), id="all-zero"),
        pytest.param(
            lambda data: data[:8_192] + bytes(4_096) + data[12_288:], id="a-page-of-zeros"
        ),
        pytest.param(
            lambda data: data[:8_192] + data[4_096:8_192] + data[12_288:], id="a-page-twice"
        ),
        pytest.param(lambda data: data[: len(data) // 2], id="cut-in-half"),
        pytest.param(lambda data: data[:-4_096], id="last-page-missing"),
        pytest.param(lambda data: data[:100], id="cut-to-100-bytes"),
        pytest.param(lambda data: data[:1], id="cut-to-one-byte"),
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: b"Dear diary,\n" * 1_000, id="text"),
        pytest.param(plain_sqlite, id="plain-sqlite"),
    ],
)
def test_a_damaged_file_is_refused_and_left_as_it_is(
    path: Path, damage: Callable[[bytes], bytes], capfd: pytest.CaptureFixture[str]
) -> None:
    damaged = damage(path.read_bytes())
    path.write_bytes(damaged)
    with pytest.raises(StoreDamaged) as caught:
        open_store(path, KEY)
    said = str(caught.value)
    assert said.startswith(str(path))
    assert said.endswith(
        "Nothing was changed or deleted. Put back a backup of the whole home, "
        "or set this home aside and recover the account from its 24 words."
    )
    assert path.read_bytes() == damaged
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("size", [0, 1, 100, 4_095])
def test_less_than_a_page_is_not_taken_for_a_new_store(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(StoreDamaged, match="is empty, or cut short"):
        open_store(path, KEY)
    assert path.stat().st_size == size


def test_another_key(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(StoreDamaged, match="this home's store key"):
        open_store(path, bytes(32))
    assert path.read_bytes() == before
    open_store(path, KEY).close()


def test_damage_that_comes_while_it_is_open(path: Path) -> None:
    store = open_store(path, KEY)
    store._database.rows("PRAGMA shrink_memory")
    path.write_bytes(path.read_bytes()[:4_096] + bytes(path.stat().st_size - 4_096))
    with pytest.raises(StoreDamaged, match="is damaged"):
        snapshot(store)
    store.close()


def raw(path: Path, *statements: str) -> None:
    connection = dbapi2.connect(str(path), isolation_level=None)
    connection.execute(f"PRAGMA key = \"x'{KEY.hex()}'\"")
    connection.execute("PRAGMA cipher_hmac_algorithm = HMAC_SHA256")
    for statement in statements:
        connection.execute(statement)
    connection.close()


def test_a_file_of_another_program_under_our_key(path: Path) -> None:
    raw(path, "PRAGMA application_id = 7", "PRAGMA journal_mode = DELETE")
    before = path.read_bytes()
    with pytest.raises(StoreDamaged, match="is no store of Molva"):
        open_store(path, KEY)
    assert path.read_bytes() == before


def test_a_store_of_a_newer_version(path: Path) -> None:
    raw(path, f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    before = path.read_bytes()
    with pytest.raises(VersionUnsupported, match="newer Molva"):
        open_store(path, KEY)
    assert path.read_bytes() == before


def test_an_older_store_takes_only_the_steps_it_lacks(path: Path) -> None:
    later = (*MIGRATIONS, ("CREATE TABLE later (a INTEGER)", "INSERT INTO later VALUES (1)"))
    database = Database(path, KEY)
    migrate(database, later)
    migrate(database, later)
    assert database.number("PRAGMA user_version") == len(later)
    assert database.rows("SELECT a FROM later") == [(1,)]
    assert database.number("SELECT count(*) FROM envelopes") == 102
    database.close()


def test_the_history_of_a_first_version_moves_into_its_messages(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    path.touch(0o600)
    database = Database(path, KEY)
    migrate(database, MIGRATIONS[:1])
    with database.transaction():
        for number, id_ in ((1, b"a"), (2, b"b")):
            database.write(
                "INSERT INTO messages VALUES (?, ?, 'out', x'aa', 'queued', '', 1, 1, 1, 0, x'bb')",
                (number, id_ * 16),
            )
        for at_s, kind in ((1.5, "queued"), (2_000_000_000.25, "carried")):
            database.write(
                "INSERT INTO history (message, at_s, kind, detail) VALUES (?, ?, ?, 'a\"\n')",
                (b"a" * 16, at_s, kind),
            )
    database.close()
    store = open_store(path, KEY)
    assert store.history(MessageId(b"a" * 16), Direction.OUT) == [
        HistoryEntry(1.5, "queued", 'a"\n'),
        HistoryEntry(2_000_000_000.25, "carried", 'a"\n'),
    ]
    assert store.history(MessageId(b"b" * 16), Direction.OUT) == []
    store.close()


def test_a_store_from_before_records_takes_them(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    path.touch(0o600)
    database = Database(path, KEY)
    migrate(database, MIGRATIONS[:2])
    with database.transaction():
        database.write("INSERT INTO documents (kind, key, value) VALUES ('setting', x'aa', x'bb')")
    database.close()
    store = open_store(path, KEY)
    with store.transaction():
        store.put_record(record(1), b"body 1")
        store.put_version(version(2))
    store.close()
    store = open_store(path, KEY)
    assert store.document(DocumentKind.SETTING, b"\xaa") == b"\xbb"
    assert list(store.records()) == [record(1)]
    assert list(store.versions()) == [version(2)]
    store.close()


def test_a_step_that_fails_leaves_the_old_version(path: Path) -> None:
    broken = (*MIGRATIONS, ("CREATE TABLE later (a INTEGER)", "INSERT INTO nowhere VALUES (1)"))
    database = Database(path, KEY)
    with pytest.raises(dbapi2.OperationalError, match="no such table"):
        migrate(database, broken)
    database.close()
    store = open_store(path, KEY)
    assert store.envelope(envelope_id(1)) == b"data 1"
    store.close()


def test_a_log_that_cannot_be_written(path: Path) -> None:
    path.with_name("molva.db-wal").mkdir()
    before = path.read_bytes()
    with pytest.raises(EnvironmentFault, match="cannot be opened for writing"):
        open_store(path, KEY)
    assert path.read_bytes() == before


def test_a_file_that_may_not_be_written(path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("the superuser may write everything")
    path.chmod(0o400)
    with pytest.raises(EnvironmentFault, match="cannot be opened for writing"):
        open_store(path, KEY)
