CREATE TABLE events_{id} (
    seq         INTEGER PRIMARY KEY,
    project     INTEGER NOT NULL,
    group_id    INTEGER NOT NULL,
    happened    INTEGER NOT NULL,
    received    INTEGER NOT NULL,
    kind        INTEGER NOT NULL,
    level       INTEGER NOT NULL,
    -- See names.
    environment INTEGER NOT NULL,
    release     INTEGER NOT NULL,
    -- A hash of who was affected.
    user        INTEGER,
    event_id    BLOB NOT NULL
) STRICT;

CREATE INDEX events_{id}_project ON events_{id} (project, happened);
CREATE INDEX events_{id}_group ON events_{id} (group_id, happened);

CREATE TABLE items_{id} (
    seq             INTEGER PRIMARY KEY,
    project         INTEGER NOT NULL,
    kind            INTEGER NOT NULL,
    -- The event that it belongs to.
    event_id        BLOB,
    received        INTEGER NOT NULL,
    name            TEXT NOT NULL,
    content_type    TEXT NOT NULL,
    attachment_type TEXT NOT NULL,
    bytes           INTEGER NOT NULL
) STRICT;

CREATE INDEX items_{id}_kind ON items_{id} (project, kind);
CREATE INDEX items_{id}_event ON items_{id} (event_id) WHERE event_id IS NOT NULL;

CREATE TABLE counts_{id} (
    project     INTEGER NOT NULL,
    -- Length of the interval in minutes: 1, 60 or 1440.
    grain       INTEGER NOT NULL,
    -- The interval's number, counted since 1970.
    bucket      INTEGER NOT NULL,
    level       INTEGER NOT NULL,
    environment INTEGER NOT NULL,
    release     INTEGER NOT NULL,
    events      INTEGER NOT NULL,
    PRIMARY KEY (project, grain, bucket, level, environment, release)
) STRICT, WITHOUT ROWID;

CREATE TABLE hours_{id} (
    group_id INTEGER NOT NULL,
    -- Hours since 1970.
    hour     INTEGER NOT NULL,
    events   INTEGER NOT NULL,
    PRIMARY KEY (group_id, hour)
) STRICT, WITHOUT ROWID;

CREATE TABLE pages_{id} (
    id    INTEGER PRIMARY KEY,
    run   INTEGER NOT NULL,
    kind  INTEGER NOT NULL,
    -- The first key of the page.
    first BLOB NOT NULL,
    body  BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX pages_{id}_first ON pages_{id} (run, kind, first);

CREATE TABLE unindexed_{id} (
    -- Events that the search index has and the rows have not any more.
    seq INTEGER PRIMARY KEY
) STRICT;
