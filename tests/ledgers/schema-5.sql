BEGIN TRANSACTION;
CREATE TABLE apart (
    id INTEGER PRIMARY KEY,
    facts TEXT NOT NULL
) STRICT;
INSERT INTO "apart" VALUES(1,'{"description": "with “words”\nof two lines", "landed_commit": "m1", "target": "main"}');
INSERT INTO "apart" VALUES(2,'{"description": "with “words”\nof two lines"}');
INSERT INTO "apart" VALUES(3,'{"description": "with “words”\nof two lines"}');
INSERT INTO "apart" VALUES(4,'{"description": "with “words”\nof two lines"}');
INSERT INTO "apart" VALUES(5,'{"labels": ["a", "b"]}');
INSERT INTO "apart" VALUES(6,'{"parent": "ENG-5"}');
INSERT INTO "apart" VALUES(7,'{"depends": ["ENG-1", "ENG-3"], "version": 1}');
INSERT INTO "apart" VALUES(9,'{"max_attempts": 1, "error": "red", "feedback": "out"}');
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
, sum INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO "change" VALUES(1,1800000000.0,'person','edit',22,22,0,0,0,1249309636);
CREATE TABLE change_task (
    id INTEGER PRIMARY KEY,
    change INTEGER NOT NULL,
    task INTEGER NOT NULL,
    identifier TEXT NOT NULL,
    before TEXT NOT NULL
, sum INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO "change_task" VALUES(1,1,7,'ENG-7','{"title": "waits"}',2321541477);
CREATE TABLE comment (
    id INTEGER PRIMARY KEY,
    identifier TEXT NOT NULL,
    at REAL NOT NULL,
    actor TEXT NOT NULL,
    body TEXT NOT NULL
, sum INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO "comment" VALUES(1,'ENG-1',1800000000.0,'person','said',374990926);
CREATE TABLE dependency (
    needs INTEGER NOT NULL,
    task INTEGER NOT NULL,
    child INTEGER NOT NULL,
    sum INTEGER NOT NULL,
    PRIMARY KEY (needs, task, child)
) STRICT, WITHOUT ROWID;
INSERT INTO "dependency" VALUES(1,7,0,1599504168);
INSERT INTO "dependency" VALUES(3,7,0,3191389061);
INSERT INTO "dependency" VALUES(6,5,1,2899417611);
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
INSERT INTO "event" VALUES(1,1800000000.0,'','run-1','coordinator','run_started',NULL,NULL,0,'','{"pid": 1, "target": "main", "engine": "command", "workers": 2}',X'22F153A09BA7FC2C77640BA013CD1BB4','0 0 0 0 0 0 0 0 0 0 0 0 0 1 0 0 0 0 2413072871');
INSERT INTO "event" VALUES(2,1800000000.0,'ENG-1','','person','add',NULL,'todo',0,'','{}',X'C646F72914DF4CBE5097AE5FA732DCE7','');
INSERT INTO "event" VALUES(3,1800000000.0,'ENG-2','','person','add',NULL,'todo',0,'','{}',X'906958BE5B699507A617B8A05C77829A','');
INSERT INTO "event" VALUES(4,1800000000.0,'ENG-3','','person','add',NULL,'todo',0,'','{}',X'FCA59A88DCE426A8C8A9526BBF704FC2','');
INSERT INTO "event" VALUES(5,1800000000.0,'ENG-4','','person','add',NULL,'todo',0,'','{}',X'709637C5931AEA93782C60AE28E92462','4 4 0 0 0 0 0 0 0 0 0 0 0 1 0 0 0 4 4028229445');
INSERT INTO "event" VALUES(6,1800000000.0,'ENG-5','','person','add',NULL,'todo',0,'','{}',X'AF570ABD03392464299A382BDC04589F','');
INSERT INTO "event" VALUES(7,1800000000.0,'ENG-6','','person','add',NULL,'todo',0,'','{}',X'53AEEF9DEC5CD4C7984D02258A6FCF74','6 6 0 0 0 0 0 0 0 1 0 0 0 1 0 0 0 6 2337537104');
INSERT INTO "event" VALUES(8,1800000000.0,'ENG-7','','person','add',NULL,'todo',0,'','{}',X'C647254602C7249DE2E3F76E578AF848','7 7 0 0 0 0 0 0 0 2 0 0 0 1 0 0 0 7 3030183939');
INSERT INTO "event" VALUES(9,1800000000.0,'ENG-8','','person','add',NULL,'todo',0,'','{}',X'8C61977899CE586998C6CDE027766FC7','8 8 0 0 0 0 0 0 0 2 1 0 0 1 0 0 0 8 2582384391');
INSERT INTO "event" VALUES(10,1800000000.0,'OPS-1','','person','add',NULL,'todo',0,'','{}',X'202368DE95A40F2E6C33C97A77435042','9 9 0 0 0 0 0 0 0 2 1 0 0 1 0 0 0 9 3857181645');
INSERT INTO "event" VALUES(11,1800000000.0,'OPS-1','run-1','w1','claim','todo','in_progress',1,'','{}',X'47B0ED3DCDBFAB2DCC3264A5D25C4A78','9 8 1 0 0 0 0 0 0 2 1 0 0 1 0 0 0 9 1883933986');
INSERT INTO "event" VALUES(12,1800000000.0,'OPS-1','run-1','w1','give_up','in_progress','failed',1,'red','{}',X'42E5B1087A4CBDDC63798B99B03B4A33','9 8 0 0 0 0 1 0 0 2 1 0 0 1 0 0 0 9 1529201100');
INSERT INTO "event" VALUES(13,1800000000.0,'ENG-1','run-1','w1','claim','todo','in_progress',1,'','{}',X'17AA3EC2F644AFA22A08BB56EB536C45','9 7 1 0 0 0 1 0 0 2 1 0 0 1 0 0 0 9 2799588601');
INSERT INTO "event" VALUES(14,1800000000.0,'ENG-1','run-1','w1','submit','in_progress','review',1,'','{"commit": "c1", "verified": true}',X'90A0B23736947AC2B7154965E0414965','9 7 0 1 0 0 1 0 0 2 1 0 0 1 0 0 1 9 4262337330');
INSERT INTO "event" VALUES(15,1800000000.0,'ENG-1','run-1','landing','land','review','done',1,'','{"commit": "m1", "target": "main", "verified": true}',X'D9C642E033DC90070ADE3A6A7181B892','9 7 0 0 0 1 1 0 0 2 1 0 0 1 0 0 1 9 1748070510');
INSERT INTO "event" VALUES(16,1800000000.0,'ENG-2','run-1','w1','claim','todo','in_progress',1,'','{}',X'209444901AFCBF91229AF15D41853E1B','9 6 1 0 0 1 1 0 0 2 1 0 0 1 0 0 1 9 295158761');
INSERT INTO "event" VALUES(17,1800000000.0,'ENG-2','run-1','w1','submit','in_progress','review',1,'','{"commit": "c2", "verified": true}',X'E729A61A60A1085DA2754DB95A76BC04','9 6 0 1 0 1 1 0 0 2 1 0 0 1 0 0 1 9 2523292359');
INSERT INTO "event" VALUES(18,1800000000.0,'ENG-3','run-1','w1','claim','todo','in_progress',1,'','{}',X'DF19D4A85CFBAA66443EA5D74C27B927','9 5 1 1 0 1 1 0 0 2 1 0 0 1 0 0 1 9 1218721782');
INSERT INTO "event" VALUES(19,1800000000.0,'ENG-3','run-1','w1','session',NULL,NULL,1,'','{"session": "s1", "engine": "claude", "model": "haiku"}',X'693FEF0D0AED9DFC63D76976FB2585F5','9 5 1 1 0 1 1 0 0 2 1 0 0 1 1 0 1 9 1493484030');
INSERT INTO "event" VALUES(20,1800000000.0,'ENG-1','run-1','person','comment',NULL,NULL,1,'said','{}',X'87CC9C37AD640F5CA0C856CBCC0DE92C','9 5 1 1 0 1 1 0 0 2 1 0 0 1 1 0 1 9 1377086924');
INSERT INTO "event" VALUES(21,1800000000.0,'ENG-3','run-1','person','message',NULL,NULL,1,'hear','{"message": 1}',X'C96F27534604E329ED35ACBBFEF626CF','9 5 1 1 0 1 1 0 0 2 1 0 0 1 1 0 1 9 1903082645');
INSERT INTO "event" VALUES(22,1800000000.0,'ENG-7','','person','edit',NULL,NULL,0,'title: it waits','{"fields": ["title"], "version": 1}',X'89FD214BD58868EE7A6D6AB29C9CAC24','9 5 1 1 0 1 1 0 0 2 1 0 0 1 1 0 1 9 830981671');
INSERT INTO "event" VALUES(23,1800000000.0,'','','person','pause',NULL,NULL,0,'lunch','{"until": null}',X'74A0E0907BC3EF12F24C8B6CEC2A2CA3','9 5 1 1 0 1 1 0 0 2 1 0 0 1 1 1 1 9 280468196');
CREATE TABLE lease (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    token INTEGER NOT NULL,
    boot TEXT NOT NULL,
    until REAL NOT NULL
, sum INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;
INSERT INTO "lease" VALUES('landing','lander',1,'first boot',1030.0,1036225554);
CREATE TABLE message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    identifier TEXT NOT NULL,
    at REAL NOT NULL,
    sender TEXT NOT NULL,
    body TEXT NOT NULL,
    read_at REAL,
    read_attempt INTEGER
, sum INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO "message" VALUES(1,'ENG-3',1800000000.0,'person','hear',NULL,NULL,3560216952);
CREATE TABLE pause (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    at REAL NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    until REAL
, sum INTEGER NOT NULL DEFAULT 0) STRICT
;
INSERT INTO "pause" VALUES(1,1800000000.0,'person','lunch',NULL,2295960342);
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
INSERT INTO "run" VALUES(1,'run-1',1,'h','main','command',2,NULL,NULL,1800000000.0,NULL,'','',0,0.25,'first boot',1020.0,0,1,304790764);
CREATE TABLE run_task (
    run TEXT NOT NULL,
    task INTEGER NOT NULL, sum INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (run, task)
) STRICT, WITHOUT ROWID;
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
INSERT INTO "session" VALUES(1,'s1','ENG-3',1,'run-1','w1','claude','haiku',2.0,1800000000.0,NULL,'','',0,0.25,7,'hash',2708152309);
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
INSERT INTO "task" VALUES(1,'ENG-1','done','done',2,'ENG','[]',NULL,0,1,1,0,0,'','c1',1,NULL,0,0,0.0,1800000000.0,1800000000.0,2053725566,NULL,'','run-1','',0.0,1000.0,'',0.0,1,1,5,0,0,0,4053388353);
INSERT INTO "task" VALUES(2,'ENG-2','in review','review',2,'ENG','[]',NULL,0,1,1,0,0,'','c2',1,NULL,0,0,0.0,1800000000.0,1800000000.0,3981715079,0,'','run-1','',0.0,1000.0,'',0.0,0,0,3,0,0,0,2783997392);
INSERT INTO "task" VALUES(3,'ENG-3','fails','in_progress',2,'ENG','[]',NULL,0,1,1,0,0,'w1','',NULL,0.25,7,0,0.0,1800000000.0,1800000000.0,3981715079,1,'','run-1','first boot',1001000.0,1000.0,'',0.0,1,0,4,1,1,1,2761698069);
INSERT INTO "task" VALUES(4,'ENG-4','works','todo',2,'ENG','[]',NULL,0,0,0,0,0,'','',NULL,NULL,0,0,0.0,1800000000.0,1800000000.0,3981715079,2,'','','',0.0,0.0,'',0.0,0,0,1,0,0,0,446554530);
INSERT INTO "task" VALUES(5,'ENG-5','whole','todo',2,'ENG','[]',NULL,1,0,0,0,0,'','',NULL,NULL,0,0,0.0,1800000000.0,1800000000.0,3404003576,4,'','','',0.0,0.0,'',0.0,0,0,1,0,0,0,3340170338);
INSERT INTO "task" VALUES(6,'ENG-6','part','todo',2,'ENG','[]',NULL,0,0,0,0,0,'','',NULL,NULL,0,0,0.0,1800000000.0,1800000000.0,2114746738,2,'','','',0.0,0.0,'',0.0,1,0,1,0,0,0,342313037);
INSERT INTO "task" VALUES(7,'ENG-7','it waits','todo',2,'ENG','["src/**"]',NULL,1,0,0,0,0,'','',NULL,NULL,0,0,0.0,1800000000.0,1800000000.0,2398154734,4,'src/','','',0.0,0.0,'',0.0,0,0,2,0,0,0,3844971936);
INSERT INTO "task" VALUES(8,'ENG-8','later','todo',2,'ENG','[]',2800000000.0,0,0,0,0,0,'','',NULL,NULL,0,0,0.0,1800000000.0,1800000000.0,0,5,'','','',0.0,0.0,'',0.0,0,0,1,0,0,0,2345970479);
INSERT INTO "task" VALUES(9,'OPS-1','of the others','failed',0,'OPS','[]',NULL,0,1,1,1,0,'','',NULL,NULL,0,0,0.0,1800000000.0,1800000000.0,2494205330,8,'','run-1','',0.0,1000.0,'',0.0,0,0,3,0,0,0,1920628187);
CREATE TABLE team (
    key TEXT PRIMARY KEY,
    last INTEGER NOT NULL
, sum INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID;
INSERT INTO "team" VALUES('ENG',8,536318331);
INSERT INTO "team" VALUES('OPS',1,1553556775);
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
, sum INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO "usage" VALUES(1,1800000000.0,'s1','ENG-3','run-1','m',200,3,4,0,0,0.25,NULL,0.0,923285465);
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
    updated_at REAL NOT NULL, sum INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX comment_task ON comment (identifier);
CREATE INDEX change_since ON change (since);
CREATE INDEX change_task_change ON change_task (change)
;
CREATE INDEX message_task ON message (identifier);
CREATE INDEX message_unread ON message (identifier) WHERE read_at IS NULL
;
CREATE INDEX task_queue ON task (queue, priority) WHERE queue IS NOT NULL;
CREATE INDEX task_folder ON task (priority, folder) WHERE queue = 3;
CREATE INDEX task_later ON task (not_before) WHERE queue = 5;
CREATE INDEX task_backoff ON task (backoff_boot, backoff_until) WHERE queue = 6;
CREATE INDEX dependency_task ON dependency (task);
CREATE INDEX event_task ON event (identifier) WHERE identifier <> '';
CREATE INDEX session_task ON session (identifier);
CREATE INDEX session_open ON session (token_hash) WHERE ended_at IS NULL
;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('message',1);
COMMIT;
PRAGMA application_id = 1096306510;
PRAGMA user_version = 5;
