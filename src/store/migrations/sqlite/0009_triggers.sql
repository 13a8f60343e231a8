-- Subscriptions of triggers at services that call back: one row for each that was made, or may have been, until it is
-- taken back.
CREATE TABLE subscriptions (
    namespace TEXT NOT NULL,
    playbook TEXT NOT NULL,
    trigger TEXT NOT NULL,
    -- What it follows from.
    fingerprint TEXT NOT NULL,
    version INTEGER NOT NULL,
    -- NULL while there is nothing to do.
    next_at INTEGER,
    state TEXT NOT NULL,
    -- The calls that make it and take it back, sealed.
    calls BLOB NOT NULL,
    PRIMARY KEY (namespace, playbook, trigger)
) STRICT;

-- How many changes by automation led to a message.
ALTER TABLE messages ADD COLUMN depth INTEGER NOT NULL DEFAULT 0;
