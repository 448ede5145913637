"""The tables, as numbered steps: ``PRAGMA user_version`` says how many a file has behind it.

A step that was released is never edited; a change is a new step at the end.
"""

from __future__ import annotations

from p2p.adapters.sqlite.connection import APPLICATION_ID, Database
from p2p.errors import VersionUnsupported

# AUTOINCREMENT, so that an order is never given twice, even after the newest message is deleted:
# clients remember orders. Elsewhere "largest present plus one" keeps the order of arrival.
_FIRST = (
    f"PRAGMA application_id = {APPLICATION_ID}",
    """
    CREATE TABLE documents (
        number INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        key BLOB NOT NULL,
        value BLOB NOT NULL,
        UNIQUE (kind, key)
    ) STRICT
    """,
    """
    CREATE TABLE messages (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id BLOB NOT NULL,
        direction TEXT NOT NULL,
        contact BLOB NOT NULL,
        state TEXT NOT NULL,
        text TEXT NOT NULL,
        created_s REAL NOT NULL,
        sent_s REAL NOT NULL,
        expires_s REAL NOT NULL,
        carriers INTEGER NOT NULL,
        proof_hash BLOB NOT NULL,
        UNIQUE (id, direction)
    ) STRICT
    """,
    "CREATE INDEX messages_by_contact ON messages (contact)",
    "CREATE INDEX messages_by_state ON messages (state)",
    """
    CREATE TABLE history (
        number INTEGER PRIMARY KEY,
        message BLOB NOT NULL,
        at_s REAL NOT NULL,
        kind TEXT NOT NULL,
        detail TEXT NOT NULL
    ) STRICT
    """,
    "CREATE INDEX history_by_message ON history (message)",
    """
    CREATE TABLE envelopes (
        number INTEGER PRIMARY KEY,
        id BLOB NOT NULL UNIQUE,
        tag BLOB NOT NULL,
        commitment BLOB NOT NULL,
        size_bytes INTEGER NOT NULL,
        expires_s REAL NOT NULL,
        tier TEXT NOT NULL,
        depositor TEXT NOT NULL,
        copies INTEGER NOT NULL,
        hops INTEGER NOT NULL,
        received_s REAL NOT NULL,
        data BLOB NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE tombstones (
        number INTEGER PRIMARY KEY,
        envelope BLOB NOT NULL UNIQUE,
        expires_s REAL NOT NULL
    ) STRICT
    """,
    "CREATE INDEX tombstones_by_expiry ON tombstones (expires_s)",
    """
    CREATE TABLE proofs (
        number INTEGER PRIMARY KEY,
        hash BLOB NOT NULL UNIQUE,
        proof BLOB NOT NULL,
        expires_s REAL NOT NULL
    ) STRICT
    """,
    "CREATE INDEX proofs_by_expiry ON proofs (expires_s)",
)

# Each tree that a commit touches at random places costs pages to be encrypted. History moves into
# its message's row, and indexes go that no frequent question needs.
_FEWER_TREES = (
    "ALTER TABLE messages ADD COLUMN history TEXT NOT NULL DEFAULT ''",
    """
    UPDATE messages SET history = coalesce((
        SELECT group_concat(line, '') FROM (
            SELECT json_array(at_s, kind, detail) || char(10) AS line FROM history
            WHERE history.message = messages.id ORDER BY number
        )
    ), '')
    """,
    "DROP TABLE history",
    "DROP INDEX messages_by_state",
    "CREATE INDEX messages_open ON messages (number) WHERE state IN ('queued', 'carried')",
    "DROP INDEX tombstones_by_expiry",
    "DROP INDEX proofs_by_expiry",
)

_RECORDS = (
    """
    CREATE TABLE records (
        number INTEGER PRIMARY KEY,
        id BLOB NOT NULL UNIQUE,
        author BLOB NOT NULL,
        kind INTEGER NOT NULL,
        name BLOB NOT NULL,
        version INTEGER NOT NULL,
        size_bytes INTEGER NOT NULL,
        body_hash BLOB NOT NULL,
        issued_s INTEGER NOT NULL,
        expires_s INTEGER NOT NULL,
        header BLOB NOT NULL,
        tier TEXT NOT NULL,
        depositor TEXT NOT NULL,
        received_s REAL NOT NULL,
        UNIQUE (author, kind, name)
    ) STRICT
    """,
    """
    CREATE TABLE record_parts (
        number INTEGER PRIMARY KEY,
        record BLOB NOT NULL,
        place INTEGER NOT NULL,
        data BLOB NOT NULL,
        UNIQUE (record, place)
    ) STRICT
    """,
    """
    CREATE TABLE record_versions (
        number INTEGER PRIMARY KEY,
        author BLOB NOT NULL,
        kind INTEGER NOT NULL,
        name BLOB NOT NULL,
        version INTEGER NOT NULL,
        id BLOB NOT NULL,
        tier TEXT NOT NULL,
        UNIQUE (author, kind, name)
    ) STRICT
    """,
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST, _FEWER_TREES, _RECORDS)
"""Step n takes a file from version n - 1 to version n."""


def migrate(database: Database, migrations: tuple[tuple[str, ...], ...] = MIGRATIONS) -> None:
    """Bring a file to the newest version, all steps in one transaction.

    Raises:
        VersionUnsupported: it was written by a newer Molva; it is left as it is.
        StoreFull: no room for the change; the file stays at its old version.
    """
    version = database.number("PRAGMA user_version")
    if version > len(migrations):
        raise VersionUnsupported(
            f"{database.path} was written by a newer Molva (store version {version}, "
            f"this one reads up to {len(migrations)}). Install the newer Molva again."
        )
    if version == len(migrations):
        return
    with database.transaction():
        for step in migrations[version:]:
            for statement in step:
                database.write(statement)
        database.write(f"PRAGMA user_version = {len(migrations)}")
