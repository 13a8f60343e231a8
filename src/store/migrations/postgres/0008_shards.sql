-- Which replica drives which runs. Every run belongs to a shard; times are those of the database's clock, in milliseconds.
ALTER TABLE runs ADD COLUMN shard BIGINT NOT NULL;

-- The replicas that live, until when if they don't say so again.
CREATE TABLE replicas (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    until BIGINT NOT NULL
);

-- Who drives the runs of a shard, and until when.
CREATE TABLE shards (
    shard BIGINT NOT NULL PRIMARY KEY,
    owner TEXT COLLATE "C",
    until BIGINT NOT NULL
);
INSERT INTO shards (shard, until) SELECT shard, 0 FROM generate_series(0, 63) AS shard;
