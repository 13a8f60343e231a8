-- How urgent a run is, for when more are due than a process drives at a time; as `engine::lanes` numbers it.
ALTER TABLE runs ADD COLUMN lane BIGINT NOT NULL DEFAULT 3;
UPDATE runs SET lane = 1 WHERE ended_at IS NULL AND kind = 'evaluation';
UPDATE runs SET lane = 2 WHERE ended_at IS NULL AND kind = 'playbook' AND incident IS NOT NULL;
