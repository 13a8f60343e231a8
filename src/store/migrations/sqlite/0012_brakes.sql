-- How urgent a run is, for when more are due than a process drives at a time; as `engine::lanes` numbers it.
ALTER TABLE runs ADD COLUMN lane INTEGER NOT NULL DEFAULT 3;
UPDATE runs SET lane = 1 WHERE ended_at IS NULL AND kind = 'evaluation';
UPDATE runs SET lane = 0 WHERE ended_at IS NULL AND kind = 'playbook' AND (incident IS NOT NULL OR parent IS NOT NULL);

-- The calls that brakes let through, as long as they count.
CREATE TABLE brake_uses (
    brake TEXT NOT NULL,
    call TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (brake, call)
) STRICT;
CREATE INDEX brake_uses_by_age ON brake_uses (brake, at);
