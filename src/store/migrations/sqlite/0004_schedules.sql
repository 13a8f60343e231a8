-- What starts runs by time: one row for each schedule of a playbook, moved on together with the run that it starts.
CREATE TABLE schedules (
    namespace TEXT NOT NULL,
    playbook TEXT NOT NULL,
    trigger TEXT NOT NULL,
    -- The batch whose release is scheduled; empty for the trigger itself.
    batch TEXT NOT NULL,
    -- What it was computed from.
    fingerprint TEXT NOT NULL,
    version INTEGER NOT NULL,
    -- NULL while the playbook is suspended.
    next_at INTEGER,
    state TEXT NOT NULL,
    -- Where a service is asked next, sealed.
    cursor BLOB,
    PRIMARY KEY (namespace, playbook, trigger, batch)
) STRICT;
CREATE INDEX schedules_by_time ON schedules (next_at) WHERE next_at IS NOT NULL;

-- Messages that wait for the release of their batch, sealed.
CREATE TABLE messages (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    namespace TEXT NOT NULL,
    playbook TEXT NOT NULL,
    batch TEXT NOT NULL,
    partition TEXT NOT NULL,
    id TEXT NOT NULL,
    size INTEGER NOT NULL,
    content BLOB NOT NULL,
    UNIQUE (namespace, playbook, batch, partition, id)
) STRICT;
