-- What people are asked to decide and what they decided, sealed: once for the execution of an action. One that is not
-- closed waits for decisions.
CREATE TABLE approvals (
    run TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    node TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    closed_at INTEGER,
    bytes BLOB NOT NULL,
    PRIMARY KEY (run, node)
) STRICT;
CREATE INDEX approvals_by_age ON approvals (created_at, run, node);
CREATE INDEX approvals_open ON approvals (run, node) WHERE closed_at IS NULL;
