"""The store: the same tests on SQLite and on PostgreSQL."""
