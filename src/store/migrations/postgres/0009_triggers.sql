-- Subscriptions of triggers at services that call back: one row for each that was made, or may have been, until it is
-- taken back.
CREATE TABLE subscriptions (
    namespace TEXT COLLATE "C" NOT NULL,
    playbook TEXT COLLATE "C" NOT NULL,
    trigger TEXT COLLATE "C" NOT NULL,
    -- What it follows from.
    fingerprint TEXT COLLATE "C" NOT NULL,
    version BIGINT NOT NULL,
    -- NULL while there is nothing to do.
    next_at BIGINT,
    state TEXT COLLATE "C" NOT NULL,
    -- The calls that make it and take it back, sealed.
    calls BYTEA NOT NULL,
    PRIMARY KEY (namespace, playbook, trigger)
);

-- How many changes by automation led to a message.
ALTER TABLE messages ADD COLUMN depth BIGINT NOT NULL DEFAULT 0;
