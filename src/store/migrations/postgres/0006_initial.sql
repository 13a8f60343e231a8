-- What SQLite's schema is after its migration 6. Numbers are 64 bits wide and flags are 0 or 1, as there. Texts are compared
-- by their bytes, whatever the order of the database is: identities follow one another in the order of their making.

CREATE TABLE alerts (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    workspace TEXT COLLATE "C" NOT NULL,
    dedup_key TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    document TEXT COLLATE "C" NOT NULL,
    UNIQUE (workspace, dedup_key)
);

CREATE TABLE incidents (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    workspace TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,
    version BIGINT NOT NULL,
    status TEXT COLLATE "C" NOT NULL,
    severity TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    document TEXT COLLATE "C" NOT NULL,
    UNIQUE (workspace, number)
);
CREATE INDEX incidents_by_age ON incidents (created_at, number);
CREATE INDEX incidents_by_workspace ON incidents (workspace, created_at, number);

-- The last incident number that each workspace has given.
CREATE TABLE incident_numbers (
    workspace TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    last BIGINT NOT NULL
);

-- Which alerts belong to which incident, in the order in which they joined.
CREATE TABLE incident_alerts (
    position BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident TEXT COLLATE "C" NOT NULL REFERENCES incidents (id),
    alert TEXT COLLATE "C" NOT NULL REFERENCES alerts (id),
    UNIQUE (incident, alert)
);
CREATE INDEX incident_alerts_by_alert ON incident_alerts (alert, position);

-- The incident that like alerts join until the key expires.
CREATE TABLE group_claims (
    workspace TEXT COLLATE "C" NOT NULL,
    key TEXT COLLATE "C" NOT NULL,
    incident TEXT COLLATE "C" NOT NULL REFERENCES incidents (id),
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (workspace, key)
);
CREATE INDEX group_claims_by_incident ON group_claims (incident);

CREATE TABLE comments (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    incident TEXT COLLATE "C" NOT NULL REFERENCES incidents (id),
    created_at BIGINT NOT NULL,
    document TEXT COLLATE "C" NOT NULL
);
CREATE INDEX comments_by_incident ON comments (incident, created_at, id);

CREATE TABLE tasks (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    incident TEXT COLLATE "C" NOT NULL REFERENCES incidents (id),
    created_at BIGINT NOT NULL,
    document TEXT COLLATE "C" NOT NULL
);
CREATE INDEX tasks_by_incident ON tasks (incident, created_at, id);

-- A run that has not ended has a wake-up time: a run cannot hang. `place` is what SQLite's rowid is there: the order in
-- which runs began.
CREATE TABLE runs (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL,
    namespace TEXT COLLATE "C" NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    incident TEXT COLLATE "C",
    parent TEXT COLLATE "C",
    definition TEXT COLLATE "C",
    created_at BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    wake_at BIGINT,
    status TEXT COLLATE "C",
    ended_at BIGINT,
    erase_at BIGINT,
    place BIGINT GENERATED ALWAYS AS IDENTITY,
    CHECK (ended_at IS NOT NULL OR wake_at IS NOT NULL),
    CHECK ((ended_at IS NULL) = (status IS NULL))
);
CREATE INDEX runs_by_wake ON runs (wake_at) WHERE ended_at IS NULL;
CREATE INDEX runs_by_erasure ON runs (erase_at) WHERE erase_at IS NOT NULL;
CREATE INDEX runs_by_name ON runs (kind, namespace, name, created_at, id);
CREATE INDEX runs_by_age ON runs (created_at, id);
CREATE INDEX runs_by_incident ON runs (incident, created_at, id) WHERE incident IS NOT NULL;
CREATE INDEX runs_by_parent ON runs (parent, created_at, id) WHERE parent IS NOT NULL;
-- Counts of runs by their outcome, without reading the runs.
CREATE INDEX runs_by_outcome ON runs (kind, namespace, name, status);
-- Evaluations of one incident go on one after the other. Those of alerts change nothing and wait for nobody.
CREATE INDEX runs_in_turn ON runs (incident, created_at, id)
    WHERE ended_at IS NULL AND kind = 'evaluation' AND name <> 'AlertCreated';

-- The journal: the events of a run, numbered from 1. That the run exists is checked by the sequence of its row, which costs
-- nothing beyond; a reference would be looked up for each event.
CREATE TABLE events (
    run TEXT COLLATE "C" NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    body TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (run, seq)
);

-- The latest state of a run, after its first `seq` events.
CREATE TABLE snapshots (
    run TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES runs (id),
    seq BIGINT NOT NULL,
    state TEXT COLLATE "C" NOT NULL
);

-- Values beside the journal: large ones, and sealed ones as ciphertext.
CREATE TABLE payloads (
    run TEXT COLLATE "C" NOT NULL REFERENCES runs (id),
    id BIGINT NOT NULL,
    sealed BIGINT NOT NULL CHECK (sealed IN (0, 1)),
    bytes BYTEA NOT NULL,
    PRIMARY KEY (run, id)
);

CREATE TABLE definitions (
    hash TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    text TEXT COLLATE "C" NOT NULL
);

CREATE TABLE settings (
    key TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value TEXT COLLATE "C" NOT NULL
);

-- What changed, in the order of the commits: runs of playbooks and evaluations that ended, and incidents that changed in any
-- way. Positions are given under a lock that is held to the commit, so that nobody sees a later one before an earlier one.
CREATE TABLE changes (
    position BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind TEXT COLLATE "C" NOT NULL CHECK (kind IN ('run', 'incident', 'evaluation')),
    subject TEXT COLLATE "C" NOT NULL
);

-- What starts runs by time: one row for each schedule of a playbook, moved on together with the run that it starts.
CREATE TABLE schedules (
    namespace TEXT COLLATE "C" NOT NULL,
    playbook TEXT COLLATE "C" NOT NULL,
    trigger TEXT COLLATE "C" NOT NULL,
    -- The batch whose release is scheduled; empty for the trigger itself.
    batch TEXT COLLATE "C" NOT NULL,
    -- What it was computed from.
    fingerprint TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    -- NULL while the playbook is suspended.
    next_at BIGINT,
    state TEXT COLLATE "C" NOT NULL,
    -- Where a service is asked next, sealed.
    cursor BYTEA,
    PRIMARY KEY (namespace, playbook, trigger, batch)
);
CREATE INDEX schedules_by_time ON schedules (next_at) WHERE next_at IS NOT NULL;

-- Messages that wait for the release of their batch, sealed.
CREATE TABLE messages (
    position BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    namespace TEXT COLLATE "C" NOT NULL,
    playbook TEXT COLLATE "C" NOT NULL,
    batch TEXT COLLATE "C" NOT NULL,
    partition TEXT COLLATE "C" NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    size BIGINT NOT NULL,
    content BYTEA NOT NULL,
    UNIQUE (namespace, playbook, batch, partition, id)
);

-- Watchlists of a workspace by their alias, whatever its case; the version says how often one was written.
CREATE TABLE watchlists (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    workspace TEXT COLLATE "C" NOT NULL,
    alias TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    document TEXT COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX watchlists_by_alias ON watchlists (workspace, lower(alias));

-- Their items, in the order in which they came.
CREATE TABLE watchlist_items (
    position BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    watchlist TEXT COLLATE "C" NOT NULL REFERENCES watchlists (id),
    id TEXT COLLATE "C" NOT NULL,
    document TEXT COLLATE "C" NOT NULL,
    UNIQUE (watchlist, id)
);
CREATE INDEX watchlist_items_by_position ON watchlist_items (watchlist, position);

-- What came to the callback URL of an action: once for each, sealed until its run takes it. A taken row stays without its
-- value, so that the same URL is not used again.
CREATE TABLE inbox (
    run TEXT COLLATE "C" NOT NULL REFERENCES runs (id),
    node TEXT COLLATE "C" NOT NULL,
    at BIGINT NOT NULL,
    taken BIGINT NOT NULL DEFAULT 0 CHECK (taken IN (0, 1)),
    bytes BYTEA NOT NULL,
    PRIMARY KEY (run, node)
);
CREATE INDEX inbox_to_take ON inbox (run) WHERE taken = 0;
