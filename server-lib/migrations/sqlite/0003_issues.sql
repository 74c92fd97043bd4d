-- Groups and issues: rows of events name their group, and groups belong to issues.

CREATE TABLE groups (
    -- The issue that a group opens has the same number.
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    project    INTEGER NOT NULL,
    -- Sixteen bytes: events of equal keys are one group.
    grouping   BLOB NOT NULL,
    issue      INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL,
    -- How many it has had, dropped ones included.
    events     INTEGER NOT NULL
) STRICT;

INSERT INTO groups (id, project, grouping, issue, first_seen, last_seen, events)
SELECT id, project, grouping, id, first_seen, last_seen, events FROM issues;

CREATE UNIQUE INDEX groups_grouping ON groups (project, grouping);
CREATE INDEX groups_issue ON groups (issue);
-- Those that are not in the issue that they opened; few.
CREATE INDEX groups_moved ON groups (id, issue) WHERE issue <> id;

CREATE TABLE issues_with_state (
    id              INTEGER PRIMARY KEY,
    project         INTEGER NOT NULL,
    -- Its number in its project.
    number          INTEGER NOT NULL,
    -- What the events of its first group are grouped by.
    grouping        BLOB NOT NULL,
    -- Of the latest event, up to last_release.
    kind            INTEGER NOT NULL,
    level           INTEGER NOT NULL,
    unhandled       INTEGER NOT NULL,
    platform        TEXT NOT NULL,
    title           TEXT NOT NULL,
    culprit         TEXT NOT NULL,
    error_type      TEXT NOT NULL,
    error_value     TEXT NOT NULL,
    filename        TEXT NOT NULL,
    function        TEXT NOT NULL,
    -- See names; the first is of the first event.
    last_release    INTEGER NOT NULL,
    first_release   INTEGER NOT NULL,
    first_seen      INTEGER NOT NULL,
    last_seen       INTEGER NOT NULL,
    -- How many it has had, dropped ones included.
    events          INTEGER NOT NULL,
    -- How many people, as far as the indexer is; an estimate when there are many.
    users           INTEGER NOT NULL,
    users_exact     INTEGER NOT NULL,
    comments        INTEGER NOT NULL,
    -- 25 low, 50 medium, 75 high.
    priority        INTEGER NOT NULL,
    assignee        TEXT,
    -- 0 unresolved, 1 resolved, 2 ignored, 3 merged into another.
    status          INTEGER NOT NULL,
    substatus       INTEGER NOT NULL,
    since           INTEGER NOT NULL,
    merged_into     INTEGER,
    -- What resolved it: 1 now, 2 the next release, 3 a release, 4 a commit.
    resolution      INTEGER,
    -- The release or commit, and the repository.
    resolution_of   TEXT,
    resolution_in   TEXT,
    -- When it comes back from being ignored, as it was told, in JSON …
    snooze          TEXT,
    -- … and as numbers: at this time, at so many events or users.
    wake_at         INTEGER,
    wake_events     INTEGER,
    wake_users      INTEGER,
    -- When the interval began in which events are counted.
    wake_from       INTEGER,
    -- 1 when it comes back by becoming frequent.
    wake_escalating INTEGER NOT NULL
) STRICT;

INSERT INTO issues_with_state
SELECT
    id, project, number, grouping, kind, level, 0, platform, title, culprit, '', '', '', '', 0, 0,
    first_seen, last_seen, events, 0, 1, 0, 50, NULL, 0, 0, first_seen,
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0
FROM issues;

DROP TABLE issues;
ALTER TABLE issues_with_state RENAME TO issues;

CREATE UNIQUE INDEX issues_number ON issues (project, number);
CREATE INDEX issues_last_seen ON issues (project, status, last_seen);
CREATE INDEX issues_first_seen ON issues (project, status, first_seen);
CREATE INDEX issues_events ON issues (project, status, events);
CREATE INDEX issues_users ON issues (project, status, users);
CREATE INDEX issues_priority ON issues (project, status, priority, last_seen);
CREATE INDEX issues_assignee ON issues (project, assignee) WHERE assignee IS NOT NULL;
CREATE INDEX issues_merged ON issues (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX issues_wake_at ON issues (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX issues_escalating ON issues (id) WHERE wake_escalating = 1;
CREATE INDEX issues_commit ON issues (project, resolution_of) WHERE resolution = 4;
CREATE INDEX issues_first_release ON issues (project, first_release) WHERE first_release <> 0;
CREATE INDEX issues_last_release ON issues (project, last_release) WHERE last_release <> 0;

CREATE TABLE issue_numbers (
    project INTEGER PRIMARY KEY,
    -- The last number that was given in the project.
    number  INTEGER NOT NULL
) STRICT;

INSERT INTO issue_numbers SELECT project, max(number) FROM issues GROUP BY project;

CREATE TABLE issue_marks (
    issue      INTEGER NOT NULL,
    person     TEXT NOT NULL,
    bookmarked INTEGER NOT NULL,
    subscribed INTEGER,
    seen       INTEGER,
    PRIMARY KEY (issue, person)
) STRICT, WITHOUT ROWID;

CREATE INDEX issue_marks_person ON issue_marks (person);

CREATE TABLE activity (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    issue INTEGER NOT NULL,
    kind  INTEGER NOT NULL,
    actor TEXT,
    at    INTEGER NOT NULL,
    -- JSON; what is in it depends on the kind.
    data  TEXT NOT NULL
) STRICT;

CREATE INDEX activity_issue ON activity (issue, at, id);

CREATE TABLE discarded_groups (
    -- Events of these keys are dropped.
    project  INTEGER NOT NULL,
    grouping BLOB NOT NULL,
    PRIMARY KEY (project, grouping)
) STRICT, WITHOUT ROWID;

CREATE TABLE deleted_groups (
    -- Of these, rows of events are still to be removed.
    id      INTEGER PRIMARY KEY,
    project INTEGER NOT NULL
) STRICT;

-- Releases.

CREATE TABLE releases (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    project     INTEGER NOT NULL,
    version     TEXT NOT NULL,
    created     INTEGER NOT NULL,
    started     INTEGER,
    released    INTEGER,
    url         TEXT NOT NULL,
    reference   TEXT NOT NULL,
    archived    INTEGER NOT NULL,
    first_event INTEGER,
    last_event  INTEGER,
    UNIQUE (project, version)
) STRICT;

CREATE INDEX releases_created ON releases (project, created);

CREATE TABLE commits (
    release      INTEGER NOT NULL REFERENCES releases (id) ON DELETE CASCADE,
    -- From 0, the latest commit.
    place        INTEGER NOT NULL,
    id           TEXT NOT NULL,
    repository   TEXT NOT NULL,
    author_name  TEXT NOT NULL,
    author_email TEXT NOT NULL,
    message      TEXT NOT NULL,
    at           INTEGER,
    PRIMARY KEY (release, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE deployments (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    project     INTEGER NOT NULL,
    release     INTEGER NOT NULL REFERENCES releases (id) ON DELETE CASCADE,
    environment TEXT NOT NULL,
    name        TEXT NOT NULL,
    url         TEXT NOT NULL,
    started     INTEGER,
    finished    INTEGER NOT NULL
) STRICT;

CREATE INDEX deployments_project ON deployments (project, finished);
CREATE INDEX deployments_release ON deployments (release, finished);

-- The search index. Its pages are in tables of their own for each partition.

INSERT INTO counters (name, value) VALUES ('indexed', 0), ('run', 0);

CREATE TABLE runs (
    -- Pages in the order of their keys, never changed.
    id        INTEGER PRIMARY KEY,
    partition INTEGER NOT NULL,
    -- How often it was merged.
    level     INTEGER NOT NULL,
    -- 0 while it is written or removed.
    complete  INTEGER NOT NULL
) STRICT;

CREATE INDEX runs_partition ON runs (partition, level);

CREATE TABLE group_people (
    -- Numbers of the people that a group affected, or an estimate's registers.
    id     INTEGER PRIMARY KEY,
    people BLOB NOT NULL
) STRICT;

CREATE TABLE texts (
    -- The words of each are in text_words, under the same number.
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    group_id INTEGER NOT NULL,
    hash     INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX texts_group ON texts (group_id, hash);

CREATE VIRTUAL TABLE text_words USING fts5 (
    words,
    content = '',
    contentless_delete = 1,
    tokenize = 'unicode61 remove_diacritics 2'
);
