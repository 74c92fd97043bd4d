CREATE TABLE environments (
    -- Which environments the events of a project named; see names.
    project     INTEGER NOT NULL,
    environment INTEGER NOT NULL,
    PRIMARY KEY (project, environment)
) STRICT, WITHOUT ROWID;

-- Whether a session's beginning was told: only then it is in the total.
ALTER TABLE sessions ADD COLUMN begun INTEGER NOT NULL DEFAULT 1;
