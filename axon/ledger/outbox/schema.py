"""The tables of what is told outside, as a migration."""

POSTED = """
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    channel TEXT NOT NULL,
    key TEXT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    fate TEXT NOT NULL,
    at REAL NOT NULL,
    attempts INTEGER NOT NULL,
    doubts INTEGER NOT NULL,
    next_at REAL NOT NULL,
    sent_at REAL,
    error TEXT NOT NULL,
    receipt TEXT NOT NULL,
    sum INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX outbox_key ON outbox (channel, key);

CREATE INDEX outbox_open ON outbox (channel, id) WHERE fate IN ('pending', 'sending');

CREATE TABLE bookmark (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    sum INTEGER NOT NULL
) STRICT, WITHOUT ROWID
"""
