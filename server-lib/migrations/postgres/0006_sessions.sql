-- Sums of sessions: those that were told one by one, and those that SDKs had added up.
CREATE TABLE session_counts (
    -- Minutes since 1970 in which they began.
    minute      bigint NOT NULL,
    project     integer NOT NULL,
    release     text NOT NULL,
    environment text NOT NULL,
    total       bigint NOT NULL,
    errored     bigint NOT NULL,
    abnormal    bigint NOT NULL,
    crashed     bigint NOT NULL,
    -- Who had them and how long they took: sets of hashed people and classes of times.
    detail      bytea,
    PRIMARY KEY (minute, project, release, environment)
) WITH (fillfactor = 80);

INSERT INTO session_counts (minute, project, release, environment, total, errored, abnormal, crashed)
SELECT minute, project, release, environment, sum(total), sum(errored), sum(abnormal), sum(crashed)
FROM (
    SELECT
        -- Rounds down, also before 1970.
        (started - mod(mod(started, 60000) + 60000, 60000)) / 60000 AS minute,
        project, release, environment,
        begun::integer AS total,
        (state = 2 OR state IN (0, 1) AND errors > 0)::integer AS errored,
        (state = 3)::integer AS abnormal,
        (state = 4)::integer AS crashed
    FROM sessions
    UNION ALL
    SELECT
        minute, project, release, environment, exited + errored + abnormal + crashed, errored,
        abnormal, crashed
    FROM session_tallies
) AS parts
GROUP BY minute, project, release, environment;

DROP TABLE session_tallies;

-- Sessions are found by name, and forgotten by age.
DROP INDEX sessions_project_started;
CREATE INDEX sessions_received ON sessions (received);

-- Minutes since 1970 up to which sums of sessions are put together.
INSERT INTO counters (name, value) VALUES
    ('rolled_session_hours', 0),
    ('rolled_session_days', 0);

-- Items count towards a full partition as events do.
ALTER TABLE partitions ADD COLUMN items bigint NOT NULL DEFAULT 0;
UPDATE partitions SET items = (SELECT count(*) FROM items WHERE part = partitions.id);
