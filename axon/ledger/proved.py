"""The tables as they are since every row carries a sum, and events a chain of digests.

What is long or seldom set stands apart, and one index tells what each task waits for.
"""

PROOF = """
ALTER TABLE team ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;

ALTER TABLE comment ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;

ALTER TABLE run_task ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;

ALTER TABLE worker ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;

ALTER TABLE usage ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;

ALTER TABLE lease ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;

ALTER TABLE pause ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;

ALTER TABLE change ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;

ALTER TABLE change_task ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;

ALTER TABLE message ADD COLUMN sum INTEGER NOT NULL DEFAULT 0;

ALTER TABLE task RENAME TO old_task;

DROP INDEX task_state;

DROP INDEX task_ready;

DROP INDEX task_delayed;

DROP INDEX task_leased;

CREATE TABLE task (
    id INTEGER PRIMARY KEY,
    identifier TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    state TEXT NOT NULL,
    priority INTEGER NOT NULL,
    team TEXT NOT NULL,
    paths TEXT NOT NULL,
    not_before REAL,
    blocked INTEGER NOT NULL,
    token INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    losses INTEGER NOT NULL,
    owner TEXT NOT NULL,
    "commit" TEXT NOT NULL,
    verified INTEGER,
    cost_usd REAL,
    tokens INTEGER NOT NULL,
    turns INTEGER NOT NULL,
    seconds REAL NOT NULL,
    created_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    apart INTEGER NOT NULL,
    queue INTEGER,
    folder TEXT NOT NULL,
    run TEXT NOT NULL,
    lease_boot TEXT NOT NULL,
    lease_until REAL NOT NULL,
    claimed_boot REAL NOT NULL,
    backoff_boot TEXT NOT NULL,
    backoff_until REAL NOT NULL,
    dependents INTEGER NOT NULL,
    comments INTEGER NOT NULL,
    events INTEGER NOT NULL,
    sessions INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    unread INTEGER NOT NULL,
    sum INTEGER NOT NULL
) STRICT;

CREATE INDEX task_queue ON task (queue, priority) WHERE queue IS NOT NULL;

CREATE INDEX task_folder ON task (priority, folder) WHERE queue = 3;

CREATE INDEX task_later ON task (not_before) WHERE queue = 5;

CREATE INDEX task_backoff ON task (backoff_boot, backoff_until) WHERE queue = 6;

CREATE TABLE apart (
    id INTEGER PRIMARY KEY,
    facts TEXT NOT NULL
) STRICT;

ALTER TABLE dependency RENAME TO old_dependency;

DROP INDEX dependency_needs;

CREATE TABLE dependency (
    needs INTEGER NOT NULL,
    task INTEGER NOT NULL,
    child INTEGER NOT NULL,
    sum INTEGER NOT NULL,
    PRIMARY KEY (needs, task, child)
) STRICT, WITHOUT ROWID;

CREATE INDEX dependency_task ON dependency (task);

ALTER TABLE event RENAME TO old_event;

DROP INDEX event_task;

DROP INDEX event_run;

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
    data TEXT NOT NULL,
    digest BLOB NOT NULL,
    counts TEXT NOT NULL
) STRICT;

CREATE INDEX event_task ON event (identifier) WHERE identifier <> '';

ALTER TABLE run RENAME TO old_run;

CREATE TABLE run (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    pid INTEGER NOT NULL,
    host TEXT NOT NULL,
    target TEXT NOT NULL,
    engine TEXT NOT NULL,
    workers INTEGER NOT NULL,
    max_tasks INTEGER,
    max_usd REAL,
    started_at REAL NOT NULL,
    ended_at REAL,
    halt TEXT NOT NULL,
    halt_reason TEXT NOT NULL,
    stop_requested INTEGER NOT NULL,
    cost_usd REAL,
    lease_boot TEXT NOT NULL,
    lease_until REAL NOT NULL,
    taken INTEGER NOT NULL,
    first_event INTEGER NOT NULL,
    sum INTEGER NOT NULL
) STRICT;

ALTER TABLE session RENAME TO old_session;

DROP INDEX session_task;

DROP INDEX session_open;

CREATE TABLE session (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    identifier TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    run TEXT NOT NULL,
    worker TEXT NOT NULL,
    engine TEXT NOT NULL,
    model TEXT NOT NULL,
    max_usd REAL,
    started_at REAL NOT NULL,
    ended_at REAL,
    outcome TEXT NOT NULL,
    engine_session TEXT NOT NULL,
    turns INTEGER NOT NULL,
    cost_usd REAL,
    tokens INTEGER NOT NULL,
    token_hash TEXT NOT NULL,
    sum INTEGER NOT NULL
) STRICT;

CREATE INDEX session_task ON session (identifier);

CREATE INDEX session_open ON session (token_hash) WHERE ended_at IS NULL
"""
