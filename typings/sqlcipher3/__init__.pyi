"""SQLCipher behind the DB-API of the standard library's sqlite3."""
