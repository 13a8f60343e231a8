-- The log of changes names evaluations of rules too, those that ended and had rules to evaluate.
ALTER TABLE changes RENAME TO changes_before;
CREATE TABLE changes (
    position INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('run', 'incident', 'evaluation')),
    subject TEXT NOT NULL
) STRICT;
INSERT INTO changes SELECT position, kind, subject FROM changes_before;
DROP TABLE changes_before;

-- Evaluations of one incident go on one after the other. Those of alerts change nothing and wait for nobody.
CREATE INDEX runs_in_turn ON runs (incident, created_at, id)
    WHERE ended_at IS NULL AND kind = 'evaluation' AND name <> 'AlertCreated';
