-- What people are asked to decide and what they decided, sealed: once for the execution of an action. One that is not
-- closed waits for decisions.
CREATE TABLE approvals (
    run TEXT COLLATE "C" NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    node TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    closed_at BIGINT,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (run, node)
);
CREATE INDEX approvals_by_age ON approvals (created_at, run, node);
CREATE INDEX approvals_open ON approvals (run, node) WHERE closed_at IS NULL;
