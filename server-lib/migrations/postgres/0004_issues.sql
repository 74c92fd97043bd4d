-- Groups and issues: rows of events name their group, and groups belong to issues.

CREATE TABLE groups (
    -- The issue that a group opens has the same number.
    id           bigint PRIMARY KEY,
    project      integer NOT NULL,
    -- Sixteen bytes: events of equal keys are one group.
    grouping_key uuid NOT NULL,
    issue        bigint NOT NULL,
    first_seen   bigint NOT NULL,
    last_seen    bigint NOT NULL,
    -- How many it has had, dropped ones included.
    events       bigint NOT NULL,
    UNIQUE (project, grouping_key)
) WITH (fillfactor = 80);

INSERT INTO groups SELECT id, project, grouping_key, id, first_seen, last_seen, events FROM issues;

CREATE INDEX groups_issue ON groups (issue);
-- Those that are not in the issue that they opened; few.
CREATE INDEX groups_moved ON groups (id) WHERE issue <> id;

ALTER TABLE events RENAME COLUMN issue TO group_id;
ALTER INDEX events_issue_happened RENAME TO events_group_happened;
ALTER TABLE issue_counts RENAME COLUMN issue TO group_id;

ALTER TABLE issues DROP CONSTRAINT issues_project_grouping_key_key;
DROP INDEX issues_project_last_seen;

ALTER TABLE issues
    ADD COLUMN unhandled boolean NOT NULL DEFAULT false,
    ADD COLUMN error_type text NOT NULL DEFAULT '',
    ADD COLUMN error_value text NOT NULL DEFAULT '',
    ADD COLUMN filename text NOT NULL DEFAULT '',
    ADD COLUMN function text NOT NULL DEFAULT '',
    ADD COLUMN last_release text NOT NULL DEFAULT '',
    -- Of the first event.
    ADD COLUMN first_release text NOT NULL DEFAULT '',
    -- How many people, as far as the indexer is; an estimate when there are many.
    ADD COLUMN users bigint NOT NULL DEFAULT 0,
    ADD COLUMN users_exact boolean NOT NULL DEFAULT true,
    ADD COLUMN comments bigint NOT NULL DEFAULT 0,
    -- 25 low, 50 medium, 75 high.
    ADD COLUMN priority smallint NOT NULL DEFAULT 50,
    ADD COLUMN assignee text,
    -- 0 unresolved, 1 resolved, 2 ignored, 3 merged into another.
    ADD COLUMN status smallint NOT NULL DEFAULT 0,
    ADD COLUMN substatus smallint NOT NULL DEFAULT 0,
    ADD COLUMN since bigint NOT NULL DEFAULT 0,
    ADD COLUMN merged_into bigint,
    -- What resolved it: 1 now, 2 the next release, 3 a release, 4 a commit.
    ADD COLUMN resolution bigint,
    -- The release or commit, and the repository.
    ADD COLUMN resolution_of text,
    ADD COLUMN resolution_in text,
    -- When it comes back from being ignored, as it was told, in JSON, and as numbers: at this time,
    -- at so many events or users.
    ADD COLUMN snooze text,
    ADD COLUMN wake_at bigint,
    ADD COLUMN wake_events bigint,
    ADD COLUMN wake_users bigint,
    -- When the interval began in which events are counted.
    ADD COLUMN wake_from bigint,
    ADD COLUMN wake_escalating boolean NOT NULL DEFAULT false;

UPDATE issues SET since = first_seen;

CREATE INDEX issues_last_seen ON issues (project, status, last_seen, id);
CREATE INDEX issues_first_seen ON issues (project, status, first_seen, id);
CREATE INDEX issues_events ON issues (project, status, events, id);
CREATE INDEX issues_users ON issues (project, status, users, id);
CREATE INDEX issues_priority ON issues (project, status, priority, last_seen, id);
CREATE INDEX issues_assignee ON issues (project, assignee) WHERE assignee IS NOT NULL;
CREATE INDEX issues_wake_at ON issues (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX issues_escalating ON issues (id) WHERE wake_escalating;
CREATE INDEX issues_commit ON issues (project, resolution_of) WHERE resolution = 4;
CREATE INDEX issues_merged ON issues (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX issues_first_release ON issues (project, first_release) WHERE first_release <> '';
CREATE INDEX issues_last_release ON issues (project, last_release) WHERE last_release <> '';

CREATE TABLE issue_marks (
    issue      bigint NOT NULL,
    person     text NOT NULL,
    bookmarked boolean NOT NULL,
    subscribed boolean,
    seen       bigint,
    PRIMARY KEY (issue, person)
);

CREATE INDEX issue_marks_person ON issue_marks (person);

CREATE TABLE activity (
    id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    issue bigint NOT NULL,
    kind  smallint NOT NULL,
    actor text,
    at    bigint NOT NULL,
    -- JSON; what is in it depends on the kind.
    data  text NOT NULL
);

CREATE INDEX activity_issue ON activity (issue, at, id);

CREATE TABLE discarded_groups (
    -- Events of these keys are dropped.
    project      integer NOT NULL,
    grouping_key uuid NOT NULL,
    PRIMARY KEY (project, grouping_key)
);

CREATE TABLE deleted_groups (
    -- Of these, rows of events are still to be removed.
    id      bigint PRIMARY KEY,
    project integer NOT NULL
);

-- Releases.

CREATE TABLE releases (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project     integer NOT NULL,
    version     text NOT NULL,
    created     bigint NOT NULL,
    started     bigint,
    released    bigint,
    url         text NOT NULL,
    reference   text NOT NULL,
    archived    boolean NOT NULL,
    first_event bigint,
    last_event  bigint,
    UNIQUE (project, version)
);

CREATE INDEX releases_created ON releases (project, created, id);

CREATE TABLE commits (
    release      integer NOT NULL REFERENCES releases (id) ON DELETE CASCADE,
    -- From 0, the latest commit.
    place        integer NOT NULL,
    id           text NOT NULL,
    repository   text NOT NULL,
    author_name  text NOT NULL,
    author_email text NOT NULL,
    message      text NOT NULL,
    at           bigint,
    PRIMARY KEY (release, place)
);

CREATE TABLE deployments (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project     integer NOT NULL,
    release     integer NOT NULL REFERENCES releases (id) ON DELETE CASCADE,
    environment text NOT NULL,
    name        text NOT NULL,
    url         text NOT NULL,
    started     bigint,
    finished    bigint NOT NULL
);

CREATE INDEX deployments_project ON deployments (project, finished);
CREATE INDEX deployments_release ON deployments (release, finished);

-- The search index.

ALTER TABLE partitions
    -- The times of its events lie between these.
    ADD COLUMN min_happened bigint NOT NULL DEFAULT -9223372036854775808,
    ADD COLUMN max_happened bigint NOT NULL DEFAULT 9223372036854775807;

INSERT INTO counters (name, value) VALUES ('indexed', 0), ('run', 0);

CREATE TABLE runs (
    -- Pages in the order of their keys, never changed.
    id       bigint PRIMARY KEY,
    part     integer NOT NULL,
    -- How often it was merged.
    level    bigint NOT NULL,
    -- False while it is written or removed.
    complete boolean NOT NULL
);

CREATE INDEX runs_part ON runs (part, level);

CREATE TABLE pages (
    part  integer NOT NULL,
    run   bigint NOT NULL,
    kind  smallint NOT NULL,
    -- The first key of the page.
    first bytea NOT NULL,
    body  bytea NOT NULL,
    PRIMARY KEY (part, run, kind, first)
) PARTITION BY LIST (part);

-- Events that the search index has and the rows have not any more.
CREATE TABLE unindexed (
    part integer NOT NULL,
    seq  bigint NOT NULL,
    PRIMARY KEY (part, seq)
) PARTITION BY LIST (part);

CREATE TABLE group_people (
    -- Numbers of the people that a group affected, or an estimate's registers.
    id     bigint PRIMARY KEY,
    people bytea NOT NULL
);

CREATE TABLE texts (
    group_id bigint NOT NULL,
    hash     bigint NOT NULL,
    words    tsvector NOT NULL,
    PRIMARY KEY (group_id, hash)
);

CREATE INDEX texts_words ON texts USING gin (words);

-- Partitions that are there already.
DO $$
DECLARE
    part integer;
    parted text;
BEGIN
    FOR part IN SELECT id FROM partitions LOOP
        FOREACH parted IN ARRAY ARRAY['pages', 'unindexed'] LOOP
            EXECUTE format(
                'CREATE TABLE %I PARTITION OF %I FOR VALUES IN (%s)',
                parted || '_' || part, parted, part
            );
        END LOOP;
    END LOOP;
END
$$;
