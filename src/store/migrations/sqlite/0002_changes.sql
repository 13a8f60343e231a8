-- What changed, in the order of the commits: runs of playbooks that ended, and incidents that changed in any way. Who
-- shows them elsewhere remembers the last position that it has seen.
CREATE TABLE changes (
    position INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('run', 'incident')),
    subject TEXT NOT NULL
) STRICT;

-- Counts of runs by their outcome, without reading the runs.
CREATE INDEX runs_by_outcome ON runs (kind, namespace, name, status);
