BEGIN TRANSACTION;
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
INSERT INTO "change" VALUES(1,1800000000.0,'person','edit',22,22,0,0,0);
CREATE TABLE change_task (
    id INTEGER PRIMARY KEY,
    change INTEGER NOT NULL,
    task INTEGER NOT NULL,
    identifier TEXT NOT NULL,
    before TEXT NOT NULL
) STRICT;
INSERT INTO "change_task" VALUES(1,1,7,'ENG-7','{"title": "waits"}');
CREATE TABLE comment (
    id INTEGER PRIMARY KEY,
    identifier TEXT NOT NULL,
    at REAL NOT NULL,
    actor TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
INSERT INTO "comment" VALUES(1,'ENG-1',1800000000.0,'person','said');
CREATE TABLE dependency (
    task INTEGER NOT NULL,
    needs INTEGER NOT NULL,
    child INTEGER NOT NULL,
    PRIMARY KEY (task, needs, child)
) STRICT, WITHOUT ROWID;
INSERT INTO "dependency" VALUES(7,1,0);
INSERT INTO "dependency" VALUES(7,3,0);
INSERT INTO "dependency" VALUES(5,6,1);
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
INSERT INTO "event" VALUES(1,1800000000.0,'','run-1','coordinator','run_started',NULL,NULL,0,'','{"pid": 1, "target": "main", "engine": "command", "workers": 2}');
INSERT INTO "event" VALUES(2,1800000000.0,'ENG-1','','person','add',NULL,'todo',0,'','{}');
INSERT INTO "event" VALUES(3,1800000000.0,'ENG-2','','person','add',NULL,'todo',0,'','{}');
INSERT INTO "event" VALUES(4,1800000000.0,'ENG-3','','person','add',NULL,'todo',0,'','{}');
INSERT INTO "event" VALUES(5,1800000000.0,'ENG-4','','person','add',NULL,'todo',0,'','{}');
INSERT INTO "event" VALUES(6,1800000000.0,'ENG-5','','person','add',NULL,'todo',0,'','{}');
INSERT INTO "event" VALUES(7,1800000000.0,'ENG-6','','person','add',NULL,'todo',0,'','{}');
INSERT INTO "event" VALUES(8,1800000000.0,'ENG-7','','person','add',NULL,'todo',0,'','{}');
INSERT INTO "event" VALUES(9,1800000000.0,'ENG-8','','person','add',NULL,'todo',0,'','{}');
INSERT INTO "event" VALUES(10,1800000000.0,'OPS-1','','person','add',NULL,'todo',0,'','{}');
INSERT INTO "event" VALUES(11,1800000000.0,'OPS-1','run-1','w1','claim','todo','in_progress',1,'','{}');
INSERT INTO "event" VALUES(12,1800000000.0,'OPS-1','run-1','w1','give_up','in_progress','failed',1,'red','{}');
INSERT INTO "event" VALUES(13,1800000000.0,'ENG-1','run-1','w1','claim','todo','in_progress',1,'','{}');
INSERT INTO "event" VALUES(14,1800000000.0,'ENG-1','run-1','w1','submit','in_progress','review',1,'','{"commit": "c1", "verified": true}');
INSERT INTO "event" VALUES(15,1800000000.0,'ENG-1','run-1','landing','land','review','done',1,'','{"commit": "m1", "target": "main", "verified": true}');
INSERT INTO "event" VALUES(16,1800000000.0,'ENG-2','run-1','w1','claim','todo','in_progress',1,'','{}');
INSERT INTO "event" VALUES(17,1800000000.0,'ENG-2','run-1','w1','submit','in_progress','review',1,'','{"commit": "c2", "verified": true}');
INSERT INTO "event" VALUES(18,1800000000.0,'ENG-3','run-1','w1','claim','todo','in_progress',1,'','{}');
INSERT INTO "event" VALUES(19,1800000000.0,'ENG-3','run-1','w1','session',NULL,NULL,1,'','{"session": "s1", "engine": "claude", "model": "haiku"}');
INSERT INTO "event" VALUES(20,1800000000.0,'ENG-1','run-1','person','comment',NULL,NULL,1,'said','{}');
INSERT INTO "event" VALUES(21,1800000000.0,'ENG-3','run-1','person','message',NULL,NULL,1,'hear','{"message": 1}');
INSERT INTO "event" VALUES(22,1800000000.0,'ENG-7','','person','edit',NULL,NULL,0,'title: it waits','{"fields": ["title"], "version": 1}');
INSERT INTO "event" VALUES(23,1800000000.0,'','','person','pause',NULL,NULL,0,'lunch','{"until": null}');
CREATE TABLE lease (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    token INTEGER NOT NULL,
    boot TEXT NOT NULL,
    until REAL NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "lease" VALUES('landing','lander',1,'first boot',1030.0);
CREATE TABLE message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    identifier TEXT NOT NULL,
    at REAL NOT NULL,
    sender TEXT NOT NULL,
    body TEXT NOT NULL,
    read_at REAL,
    read_attempt INTEGER
) STRICT;
INSERT INTO "message" VALUES(1,'ENG-3',1800000000.0,'person','hear',NULL,NULL);
CREATE TABLE pause (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    at REAL NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    until REAL
) STRICT
;
INSERT INTO "pause" VALUES(1,1800000000.0,'person','lunch',NULL);
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
;
CREATE TABLE remote_task (
    identifier TEXT PRIMARY KEY,
    remote TEXT NOT NULL UNIQUE,
    told TEXT NOT NULL,
    bid TEXT NOT NULL DEFAULT '',
    bidding INTEGER NOT NULL DEFAULT 0,
    seen REAL NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
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
INSERT INTO "run" VALUES('run-1',1,'h','main','command',2,NULL,NULL,1800000000.0,NULL,'','',0,0.25,'first boot',1020.0);
CREATE TABLE run_task (
    run TEXT NOT NULL,
    task INTEGER NOT NULL,
    PRIMARY KEY (run, task)
) STRICT, WITHOUT ROWID;
INSERT INTO "run_task" VALUES('run-1',1);
INSERT INTO "run_task" VALUES('run-1',2);
INSERT INTO "run_task" VALUES('run-1',3);
INSERT INTO "run_task" VALUES('run-1',9);
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
INSERT INTO "session" VALUES('s1','ENG-3',1,'run-1','w1','claude','haiku',2.0,1800000000.0,NULL,'','',0,0.25,7,'hash');
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
, question TEXT NOT NULL DEFAULT '', answers TEXT NOT NULL DEFAULT '', version INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO "task" VALUES(1,'ENG-1','done','done',2,'task','[]','ENG','','','[]','[]','',NULL,NULL,NULL,NULL,NULL,0,0,'',0.0,1,1,0,0,'','run-1','',0.0,1000.0,'','c1','main','m1',1,'',NULL,0,0,0.0,1800000000.0,1800000000.0,'','','','with “words”
of two lines','','',0);
INSERT INTO "task" VALUES(2,'ENG-2','in review','review',2,'task','[]','ENG','','','[]','[]','',NULL,NULL,NULL,NULL,NULL,0,0,'',0.0,1,1,0,0,'','run-1','',0.0,1000.0,'','c2','','',1,'',NULL,0,0,0.0,1800000000.0,1800000000.0,'','','','with “words”
of two lines','','',0);
INSERT INTO "task" VALUES(3,'ENG-3','fails','in_progress',2,'task','[]','ENG','','','[]','[]','',NULL,NULL,NULL,NULL,NULL,0,0,'',0.0,1,1,0,0,'w1','run-1','first boot',1001000.0,1000.0,'','','','',NULL,'',0.25,7,0,0.0,1800000000.0,1800000000.0,'','','','with “words”
of two lines','','',0);
INSERT INTO "task" VALUES(4,'ENG-4','works','todo',2,'task','[]','ENG','','','[]','[]','',NULL,NULL,NULL,NULL,NULL,0,0,'',0.0,0,0,0,0,'','','',0.0,0.0,'','','','',NULL,'',NULL,0,0,0.0,1800000000.0,1800000000.0,'','','','with “words”
of two lines','','',0);
INSERT INTO "task" VALUES(5,'ENG-5','whole','todo',2,'task','["a", "b"]','ENG','','','[]','[]','',NULL,NULL,NULL,NULL,NULL,1,0,'',0.0,0,0,0,0,'','','',0.0,0.0,'','','','',NULL,'',NULL,0,0,0.0,1800000000.0,1800000000.0,'','','','','','',0);
INSERT INTO "task" VALUES(6,'ENG-6','part','todo',2,'task','[]','ENG','','ENG-5','[]','[]','',NULL,NULL,NULL,NULL,NULL,0,0,'',0.0,0,0,0,0,'','','',0.0,0.0,'','','','',NULL,'',NULL,0,0,0.0,1800000000.0,1800000000.0,'','','','','','',0);
INSERT INTO "task" VALUES(7,'ENG-7','it waits','todo',2,'task','[]','ENG','','','["ENG-1", "ENG-3"]','["src/**"]','',NULL,NULL,NULL,NULL,NULL,1,0,'',0.0,0,0,0,0,'','','',0.0,0.0,'','','','',NULL,'',NULL,0,0,0.0,1800000000.0,1800000000.0,'','','','','','',1);
INSERT INTO "task" VALUES(8,'ENG-8','later','todo',2,'task','[]','ENG','','','[]','[]','',NULL,NULL,NULL,NULL,2800000000.0,0,1,'',0.0,0,0,0,0,'','','',0.0,0.0,'','','','',NULL,'',NULL,0,0,0.0,1800000000.0,1800000000.0,'','','','','','',0);
INSERT INTO "task" VALUES(9,'OPS-1','of the others','failed',0,'task','[]','OPS','','','[]','[]','',1,NULL,NULL,NULL,NULL,0,0,'',0.0,1,1,1,0,'','run-1','',0.0,1000.0,'','','','',NULL,'',NULL,0,0,0.0,1800000000.0,1800000000.0,'red','','out','','','',0);
CREATE TABLE team (
    key TEXT PRIMARY KEY,
    last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "team" VALUES('ENG',8);
INSERT INTO "team" VALUES('OPS',1);
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
INSERT INTO "usage" VALUES(1,1800000000.0,'s1','ENG-3','run-1','m',200,3,4,0,0,0.25,NULL,0.0);
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
CREATE INDEX task_state ON task (state);
CREATE INDEX task_ready ON task (priority, id)
    WHERE state = 'todo' AND blocked = 0 AND delayed = 0;
CREATE INDEX task_delayed ON task (not_before) WHERE state = 'todo' AND delayed = 1;
CREATE INDEX task_leased ON task (run) WHERE state = 'in_progress';
CREATE INDEX dependency_needs ON dependency (needs);
CREATE INDEX comment_task ON comment (identifier);
CREATE INDEX event_task ON event (identifier) WHERE identifier <> '';
CREATE INDEX event_run ON event (run) WHERE run <> '';
CREATE INDEX session_task ON session (identifier);
CREATE INDEX session_open ON session (token_hash) WHERE ended_at IS NULL;
CREATE INDEX change_since ON change (since);
CREATE INDEX change_task_change ON change_task (change)
;
CREATE INDEX message_task ON message (identifier);
CREATE INDEX message_unread ON message (identifier) WHERE read_at IS NULL
;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('message',1);
COMMIT;
PRAGMA application_id = 1096306510;
PRAGMA user_version = 4;
