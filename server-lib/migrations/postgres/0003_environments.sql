-- Which environments the events of a project named.
CREATE TABLE environments (
    project integer NOT NULL,
    name    text NOT NULL,
    PRIMARY KEY (project, name)
);

INSERT INTO environments (project, name)
SELECT DISTINCT project, environment FROM event_counts WHERE environment <> '';

-- Whether a session's beginning was told: only then it is in the total.
ALTER TABLE sessions ADD COLUMN begun boolean NOT NULL DEFAULT true;
