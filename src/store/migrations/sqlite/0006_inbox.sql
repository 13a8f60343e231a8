-- What came to the callback URL of an action: once for each, sealed until its run takes it. A taken row stays without its
-- value, so that the same URL is not used again.
CREATE TABLE inbox (
    run TEXT NOT NULL REFERENCES runs (id),
    node TEXT NOT NULL,
    at INTEGER NOT NULL,
    taken INTEGER NOT NULL DEFAULT 0 CHECK (taken IN (0, 1)),
    bytes BLOB NOT NULL,
    PRIMARY KEY (run, node)
) STRICT;
CREATE INDEX inbox_to_take ON inbox (run) WHERE taken = 0;
