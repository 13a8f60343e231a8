-- The run that this one repeats.
ALTER TABLE runs ADD COLUMN resubmit_of TEXT COLLATE "C";
CREATE INDEX runs_by_resubmission ON runs (resubmit_of, created_at, id) WHERE resubmit_of IS NOT NULL;

-- Alerts that are kept for a time only are found by their age.
CREATE INDEX alerts_by_age ON alerts (created_at, id);
