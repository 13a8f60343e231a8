-- What changes did to incidents, under the version that each made of its incident.
CREATE TABLE activities (
    incident TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (incident, version)
) STRICT, WITHOUT ROWID;
