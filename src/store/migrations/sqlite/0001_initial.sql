-- Times are milliseconds since the Unix epoch, UTC. Documents, events and states are text that only their writers read.

CREATE TABLE alerts (
    id TEXT NOT NULL PRIMARY KEY,
    workspace TEXT NOT NULL,
    dedup_key TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    document TEXT NOT NULL,
    UNIQUE (workspace, dedup_key)
) STRICT;

CREATE TABLE incidents (
    id TEXT NOT NULL PRIMARY KEY,
    workspace TEXT NOT NULL,
    number INTEGER NOT NULL,
    version INTEGER NOT NULL,
    status TEXT NOT NULL,
    severity TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    document TEXT NOT NULL,
    UNIQUE (workspace, number)
) STRICT;
CREATE INDEX incidents_by_age ON incidents (created_at, number);
CREATE INDEX incidents_by_workspace ON incidents (workspace, created_at, number);

-- The last incident number that each workspace has given.
CREATE TABLE incident_numbers (
    workspace TEXT NOT NULL PRIMARY KEY,
    last INTEGER NOT NULL
) STRICT;

-- Which alerts belong to which incident, in the order in which they joined.
CREATE TABLE incident_alerts (
    position INTEGER PRIMARY KEY,
    incident TEXT NOT NULL REFERENCES incidents (id),
    alert TEXT NOT NULL REFERENCES alerts (id),
    UNIQUE (incident, alert)
) STRICT;
CREATE INDEX incident_alerts_by_alert ON incident_alerts (alert, position);

-- The incident that like alerts join until the key expires.
CREATE TABLE group_claims (
    workspace TEXT NOT NULL,
    key TEXT NOT NULL,
    incident TEXT NOT NULL REFERENCES incidents (id),
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (workspace, key)
) STRICT;
CREATE INDEX group_claims_by_incident ON group_claims (incident);

CREATE TABLE comments (
    id TEXT NOT NULL PRIMARY KEY,
    incident TEXT NOT NULL REFERENCES incidents (id),
    created_at INTEGER NOT NULL,
    document TEXT NOT NULL
) STRICT;
CREATE INDEX comments_by_incident ON comments (incident, created_at, id);

CREATE TABLE tasks (
    id TEXT NOT NULL PRIMARY KEY,
    incident TEXT NOT NULL REFERENCES incidents (id),
    created_at INTEGER NOT NULL,
    document TEXT NOT NULL
) STRICT;
CREATE INDEX tasks_by_incident ON tasks (incident, created_at, id);

-- A run that has not ended has a wake-up time: a run cannot hang.
CREATE TABLE runs (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    incident TEXT,
    parent TEXT,
    definition TEXT,
    created_at INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    wake_at INTEGER,
    status TEXT,
    ended_at INTEGER,
    erase_at INTEGER,
    CHECK (ended_at IS NOT NULL OR wake_at IS NOT NULL),
    CHECK ((ended_at IS NULL) = (status IS NULL))
) STRICT;
CREATE INDEX runs_by_wake ON runs (wake_at) WHERE ended_at IS NULL;
CREATE INDEX runs_by_erasure ON runs (erase_at) WHERE erase_at IS NOT NULL;
CREATE INDEX runs_by_name ON runs (kind, namespace, name, created_at, id);
CREATE INDEX runs_by_age ON runs (created_at, id);
CREATE INDEX runs_by_incident ON runs (incident, created_at, id) WHERE incident IS NOT NULL;
CREATE INDEX runs_by_parent ON runs (parent, created_at, id) WHERE parent IS NOT NULL;

-- The journal: the events of a run, numbered from 1.
CREATE TABLE events (
    run TEXT NOT NULL REFERENCES runs (id),
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;

-- The latest state of a run, after its first `seq` events.
CREATE TABLE snapshots (
    run TEXT NOT NULL PRIMARY KEY REFERENCES runs (id),
    seq INTEGER NOT NULL,
    state TEXT NOT NULL
) STRICT;

-- Values beside the journal: large ones, and sealed ones as ciphertext.
CREATE TABLE payloads (
    run TEXT NOT NULL REFERENCES runs (id),
    id INTEGER NOT NULL,
    sealed INTEGER NOT NULL CHECK (sealed IN (0, 1)),
    bytes BLOB NOT NULL,
    PRIMARY KEY (run, id)
) STRICT;

CREATE TABLE definitions (
    hash TEXT NOT NULL PRIMARY KEY,
    text TEXT NOT NULL
) STRICT;

CREATE TABLE settings (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;
