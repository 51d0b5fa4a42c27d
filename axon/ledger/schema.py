"""The tables of the file ledger: a tuple of migrations, counted by PRAGMA user_version."""

import sqlite3
from collections.abc import Callable

from axon.ledger.conversion import prove_all, sum_again
from axon.ledger.flights import FLYING
from axon.ledger.outbox.schema import POSTED
from axon.ledger.proved import PROOF

APPLICATION_ID = 0x41584F4E  # "AXON": tells our file from any other SQLite database

FIRST = """
CREATE TABLE team (
    key TEXT PRIMARY KEY,
    last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE task (
    id INTEGER PRIMARY KEY,
    identifier TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    state TEXT NOT NULL,
    priority INTEGER NOT NULL,
    type TEXT NOT NULL,
    labels TEXT NOT NULL,
    team TEXT NOT NULL,
    project TEXT NOT NULL,
    parent TEXT NOT NULL,
    depends TEXT NOT NULL,
    paths TEXT NOT NULL,
    "check" TEXT NOT NULL,
    max_attempts INTEGER,
    max_usd REAL,
    max_turns INTEGER,
    max_minutes REAL,
    not_before REAL,
    blocked INTEGER NOT NULL,
    delayed INTEGER NOT NULL,
    backoff_boot TEXT NOT NULL DEFAULT '',
    backoff_until REAL NOT NULL DEFAULT 0,
    token INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    losses INTEGER NOT NULL,
    owner TEXT NOT NULL,
    run TEXT NOT NULL DEFAULT '',
    lease_boot TEXT NOT NULL DEFAULT '',
    lease_until REAL NOT NULL DEFAULT 0,
    claimed_boot REAL NOT NULL DEFAULT 0,
    branch TEXT NOT NULL,
    "commit" TEXT NOT NULL,
    target TEXT NOT NULL,
    landed_commit TEXT NOT NULL,
    verified INTEGER,
    engine_session TEXT NOT NULL,
    cost_usd REAL,
    tokens INTEGER NOT NULL,
    turns INTEGER NOT NULL,
    seconds REAL NOT NULL,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    error TEXT NOT NULL,
    result TEXT NOT NULL,
    feedback TEXT NOT NULL,
    description TEXT NOT NULL
) STRICT;

CREATE INDEX task_state ON task (state);

CREATE INDEX task_ready ON task (priority, id)
    WHERE state = 'todo' AND blocked = 0 AND delayed = 0;

CREATE INDEX task_delayed ON task (not_before) WHERE state = 'todo' AND delayed = 1;

CREATE INDEX task_leased ON task (run) WHERE state = 'in_progress';

CREATE TABLE dependency (
    task INTEGER NOT NULL,
    needs INTEGER NOT NULL,
    child INTEGER NOT NULL,
    PRIMARY KEY (task, needs, child)
) STRICT, WITHOUT ROWID;

CREATE INDEX dependency_needs ON dependency (needs);

CREATE TABLE comment (
    id INTEGER PRIMARY KEY,
    identifier TEXT NOT NULL,
    at REAL NOT NULL,
    actor TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;

CREATE INDEX comment_task ON comment (identifier);

CREATE TABLE event (
    seq INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    identifier TEXT NOT NULL,
    run TEXT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    before TEXT,
    after TEXT,
    attempt INTEGER NOT NULL,
    why TEXT NOT NULL,
    data TEXT NOT NULL
) STRICT;

CREATE INDEX event_task ON event (identifier) WHERE identifier <> '';

CREATE INDEX event_run ON event (run) WHERE run <> '';

CREATE TABLE run (
    id TEXT PRIMARY KEY,
    pid INTEGER NOT NULL,
    host TEXT NOT NULL,
    target TEXT NOT NULL,
    engine TEXT NOT NULL,
    workers INTEGER NOT NULL,
    max_tasks INTEGER,
    max_usd REAL,
    started_at REAL NOT NULL,
    ended_at REAL,
    halt TEXT NOT NULL DEFAULT '',
    halt_reason TEXT NOT NULL DEFAULT '',
    stop_requested INTEGER NOT NULL DEFAULT 0,
    cost_usd REAL,
    lease_boot TEXT NOT NULL,
    lease_until REAL NOT NULL
) STRICT;

CREATE TABLE run_task (
    run TEXT NOT NULL,
    task INTEGER NOT NULL,
    PRIMARY KEY (run, task)
) STRICT, WITHOUT ROWID;

CREATE TABLE worker (
    run TEXT NOT NULL,
    name TEXT NOT NULL,
    pid INTEGER NOT NULL,
    identifier TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    doing TEXT NOT NULL,
    turns INTEGER NOT NULL,
    cost_usd REAL,
    since REAL NOT NULL,
    updated_at REAL NOT NULL,
    PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE session (
    id TEXT PRIMARY KEY,
    identifier TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    run TEXT NOT NULL,
    worker TEXT NOT NULL,
    engine TEXT NOT NULL,
    model TEXT NOT NULL,
    max_usd REAL,
    started_at REAL NOT NULL,
    ended_at REAL,
    outcome TEXT NOT NULL DEFAULT '',
    engine_session TEXT NOT NULL DEFAULT '',
    turns INTEGER NOT NULL DEFAULT 0,
    cost_usd REAL,
    tokens INTEGER NOT NULL DEFAULT 0,
    token_hash TEXT NOT NULL
) STRICT;

CREATE INDEX session_task ON session (identifier);

CREATE INDEX session_open ON session (token_hash) WHERE ended_at IS NULL;

CREATE TABLE usage (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    session TEXT NOT NULL,
    identifier TEXT NOT NULL,
    run TEXT NOT NULL,
    model TEXT NOT NULL,
    status INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cache_read_tokens INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    cost_usd REAL,
    first_token_seconds REAL,
    seconds REAL NOT NULL
) STRICT;

CREATE TABLE lease (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    token INTEGER NOT NULL,
    boot TEXT NOT NULL,
    until REAL NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE pause (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    at REAL NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    until REAL
) STRICT
"""

# What people change, and how to take it back.
CHANGES = """
ALTER TABLE task ADD COLUMN question TEXT NOT NULL DEFAULT '';

ALTER TABLE task ADD COLUMN answers TEXT NOT NULL DEFAULT '';

ALTER TABLE task ADD COLUMN version INTEGER NOT NULL DEFAULT 0;

CREATE TABLE change (
    id INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    since INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    undone INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE change_task (
    id INTEGER PRIMARY KEY,
    change INTEGER NOT NULL,
    task INTEGER NOT NULL,
    identifier TEXT NOT NULL,
    before TEXT NOT NULL
) STRICT;

CREATE INDEX change_since ON change (since);

CREATE INDEX change_task_change ON change_task (change)
"""

# What is said to the agent of a task.
MESSAGES = """
CREATE TABLE message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    identifier TEXT NOT NULL,
    at REAL NOT NULL,
    sender TEXT NOT NULL,
    body TEXT NOT NULL,
    read_at REAL,
    read_attempt INTEGER
) STRICT;

CREATE INDEX message_task ON message (identifier);

CREATE INDEX message_unread ON message (identifier) WHERE read_at IS NULL
"""

# Where the tasks live on a task server: what they are called there, and how far it knows of ours.
REMOTE = """
CREATE TABLE remote_task (
    identifier TEXT PRIMARY KEY,
    remote TEXT NOT NULL UNIQUE,
    told TEXT NOT NULL,
    bid TEXT NOT NULL DEFAULT '',
    bidding INTEGER NOT NULL DEFAULT 0,
    seen REAL NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE remote (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    name TEXT NOT NULL,
    seq INTEGER NOT NULL DEFAULT 0,
    sending INTEGER NOT NULL DEFAULT 0,
    boot TEXT NOT NULL DEFAULT '',
    synced REAL NOT NULL DEFAULT 0,
    failed REAL NOT NULL DEFAULT 0,
    retry REAL NOT NULL DEFAULT 0,
    newest_first INTEGER
) STRICT
"""

# What budgets of tokens and of a day need, and who it was that asked the model.
METERED = """
ALTER TABLE run ADD COLUMN max_tokens INTEGER;

ALTER TABLE run ADD COLUMN tokens INTEGER NOT NULL DEFAULT 0;

ALTER TABLE session ADD COLUMN max_tokens INTEGER;

ALTER TABLE session ADD COLUMN agent TEXT NOT NULL DEFAULT '';

ALTER TABLE usage ADD COLUMN agent TEXT NOT NULL DEFAULT '';

ALTER TABLE usage ADD COLUMN retries INTEGER NOT NULL DEFAULT 0;

CREATE TABLE spent_day (
    day TEXT PRIMARY KEY,
    cost_usd REAL NOT NULL,
    tokens INTEGER NOT NULL,
    sum INTEGER NOT NULL
) STRICT, WITHOUT ROWID
"""

MIGRATIONS = (FIRST, CHANGES, MESSAGES, REMOTE, PROOF, METERED, POSTED, FLYING)
# What fills the new tables of a migration from the old ones, and what then goes.
FILLED: dict[str, Callable[[sqlite3.Connection], None]] = {
    PROOF: prove_all,
    METERED: sum_again,
}
DROPPED = {PROOF: ("old_task", "old_dependency", "old_event", "old_run", "old_session")}


def migrate(db: sqlite3.Connection, version: int) -> None:
    """Bring the schema from `version` to the newest, inside the caller's transaction."""
    for migration in MIGRATIONS[version:]:
        script = migration
        if sqlite3.sqlite_version_info < (3, 37):  # Enterprise Linux 9 has an older one
            script = script.replace(" STRICT, WITHOUT ROWID", " WITHOUT ROWID")
            script = script.replace(" STRICT", "")
        for statement in script.split(";"):
            db.execute(statement)
        if version and migration in FILLED:
            FILLED[migration](db)
        for table in DROPPED.get(migration, ()):
            db.execute(f"DROP TABLE {table}")
    db.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
