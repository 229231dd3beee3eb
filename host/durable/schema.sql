-- Orchestration history. Everything that must survive a SIGKILL is here; memory holds only copies.
CREATE TABLE IF NOT EXISTS instances (
    instance_id        TEXT PRIMARY KEY,
    execution_id       TEXT NOT NULL,   -- new at each start and continue_as_new: late results of old ones are dropped
    name               TEXT NOT NULL,
    version            TEXT,
    input              TEXT,            -- the starter's JSON, verbatim
    status             TEXT NOT NULL,
    custom_status      TEXT,
    output             TEXT,
    created_at         TEXT NOT NULL,
    updated_at         TEXT NOT NULL,
    parent_instance_id TEXT,
    parent_execution_id TEXT,
    parent_task_id     INTEGER,
    trace_id           TEXT NOT NULL,
    next_task_id       INTEGER NOT NULL DEFAULT 0,
    retries            TEXT NOT NULL DEFAULT '{}'
);
CREATE TABLE IF NOT EXISTS history (
    instance_id TEXT NOT NULL,
    position    INTEGER NOT NULL,
    kind        INTEGER NOT NULL,      -- the event's type, so that a replay reads only what it needs
    event       TEXT NOT NULL,
    PRIMARY KEY (instance_id, position)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS actions (   -- what turns so far asked for, flattened
    instance_id TEXT NOT NULL,
    position    INTEGER NOT NULL,
    kind        INTEGER NOT NULL,
    name        TEXT NOT NULL,
    content     TEXT NOT NULL,
    task_id     INTEGER,
    PRIMARY KEY (instance_id, position)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS inbox (     -- events that no turn has taken in yet, in order of arrival
    message_id   INTEGER PRIMARY KEY AUTOINCREMENT,
    instance_id  TEXT NOT NULL,
    kind         TEXT NOT NULL,        -- event, terminate, suspend, resume
    timer_id     INTEGER,              -- set for TimerFired, so that a cancelled timer's can be taken back
    event        TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS inbox_of ON inbox (instance_id, message_id);
CREATE TABLE IF NOT EXISTS activities (
    number       INTEGER PRIMARY KEY AUTOINCREMENT,  -- counts activities since the start of this file
    instance_id  TEXT NOT NULL,
    execution_id TEXT NOT NULL,
    task_id      INTEGER NOT NULL,
    name         TEXT NOT NULL,
    input        TEXT,
    trace_id     TEXT NOT NULL,
    state        TEXT NOT NULL,        -- scheduled, completed, failed
    scheduled_at TEXT NOT NULL,
    ended_at     TEXT
);
CREATE INDEX IF NOT EXISTS activities_of ON activities (instance_id);
CREATE INDEX IF NOT EXISTS activities_scheduled ON activities (number) WHERE state = 'scheduled';
CREATE TABLE IF NOT EXISTS timers (
    instance_id  TEXT NOT NULL,
    execution_id TEXT NOT NULL,
    task_id      INTEGER NOT NULL,
    fire_at      TEXT NOT NULL,
    PRIMARY KEY (instance_id, task_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entities (
    entity_id  TEXT PRIMARY KEY,       -- @name@key
    state      TEXT,
    updated_at TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS operations (
    operation_id INTEGER PRIMARY KEY AUTOINCREMENT,
    entity_id    TEXT NOT NULL,
    operation    TEXT NOT NULL,
    input        TEXT,
    request_id   TEXT,                 -- null for a signal, which nobody waits for
    instance_id  TEXT,                 -- the caller
    execution_id TEXT
);
CREATE TABLE IF NOT EXISTS schedules ( -- timer triggers
    function_name TEXT PRIMARY KEY,
    last          TEXT NOT NULL,
    next          TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS messages (  -- of storage queues
    message_id    TEXT PRIMARY KEY,
    queue         TEXT NOT NULL,
    body          TEXT NOT NULL,       -- as it lies in Azure: base64 where host.json says nothing else
    inserted_at   TEXT NOT NULL,
    expires_at    TEXT NOT NULL,
    visible_at    TEXT NOT NULL,
    dequeue_count INTEGER NOT NULL DEFAULT 0,
    pop_receipt   TEXT                 -- of whoever took it last
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS messages_of ON messages (queue, visible_at);
