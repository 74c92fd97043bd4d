-- Catalogue: small, read whole into memory.

CREATE TABLE counters (
    -- What is counted: numbers that are given once and never again.
    name    text PRIMARY KEY,
    value   bigint NOT NULL
);

INSERT INTO counters (name, value) VALUES
    ('catalog_version', 1),
    ('organisation', 0),
    ('project', 0),
    ('key', 0),
    ('token', 0),
    ('issue', 0);

CREATE TABLE organisations (
    id      integer PRIMARY KEY,
    slug    text NOT NULL UNIQUE,
    name    text NOT NULL,
    -- Times are milliseconds since 1970, here and everywhere.
    created bigint NOT NULL
);

CREATE TABLE projects (
    id           integer PRIMARY KEY,
    organisation integer NOT NULL REFERENCES organisations (id),
    slug         text NOT NULL,
    name         text NOT NULL,
    platform     text,
    created      bigint NOT NULL,
    ingest_token text NOT NULL UNIQUE,
    -- JSON; what is missing has its default.
    settings     text NOT NULL,
    UNIQUE (organisation, slug)
);

CREATE TABLE project_keys (
    id         integer PRIMARY KEY,
    project    integer NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    public_key text NOT NULL UNIQUE,
    label      text NOT NULL,
    active     boolean NOT NULL,
    -- A limit of its own: so many events in so many seconds; both or neither.
    rate_window bigint,
    rate_count  bigint,
    created    bigint NOT NULL
);

CREATE INDEX project_keys_project ON project_keys (project);

CREATE TABLE api_tokens (
    id           integer PRIMARY KEY,
    organisation integer NOT NULL REFERENCES organisations (id),
    label        text NOT NULL,
    -- SHA-256 of the secret, which is not kept.
    hash         bytea NOT NULL UNIQUE,
    hint         text NOT NULL,
    -- One bit for each scope.
    scopes       bigint NOT NULL,
    created      bigint NOT NULL,
    last_used    bigint,
    expires      bigint
);

-- How far digest is. One row.
CREATE TABLE digest (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    -- The last digested record.
    position bigint NOT NULL
);

INSERT INTO digest (position) VALUES (0);

-- The index: one table for each contiguous range of records, dropped whole by retention.

CREATE TABLE partitions (
    id        integer PRIMARY KEY,
    first_seq bigint NOT NULL,
    last_seq  bigint NOT NULL,
    -- When its first and its last record arrived.
    opened    bigint NOT NULL,
    newest    bigint NOT NULL,
    events    bigint NOT NULL
);

CREATE TABLE events (
    part        integer NOT NULL,
    seq         bigint NOT NULL,
    project     integer NOT NULL,
    -- Sixteen bytes; a uuid because that is the narrowest type.
    event_id    uuid NOT NULL,
    issue       bigint NOT NULL,
    kind        smallint NOT NULL,
    -- When it happened, by our clock.
    happened    bigint NOT NULL,
    received    bigint NOT NULL,
    -- 0 debug, 1 info, 2 warning, 3 error, 4 fatal.
    level       smallint NOT NULL,
    environment text NOT NULL,
    release     text NOT NULL,
    -- A hash of who was affected.
    person      bigint
) PARTITION BY LIST (part);

CREATE INDEX events_seq ON events (seq);
CREATE INDEX events_event_id ON events (event_id);
CREATE INDEX events_project_happened ON events (project, happened, seq);
CREATE INDEX events_project_received ON events (project, received);
CREATE INDEX events_issue_happened ON events (issue, happened, seq);

CREATE TABLE items (
    part            integer NOT NULL,
    seq             bigint NOT NULL,
    project         integer NOT NULL,
    kind            smallint NOT NULL,
    -- The event that it belongs to.
    event_id        uuid,
    received        bigint NOT NULL,
    name            text NOT NULL,
    content_type    text NOT NULL,
    attachment_type text NOT NULL,
    bytes           bigint NOT NULL
) PARTITION BY LIST (part);

CREATE INDEX items_seq ON items (seq);
CREATE INDEX items_event_id ON items (event_id) WHERE event_id IS NOT NULL;
CREATE INDEX items_project_seq ON items (project, seq);

-- Sums of events by the minute in which they happened.
CREATE TABLE event_counts (
    part        integer NOT NULL,
    project     integer NOT NULL,
    -- Minutes since 1970.
    minute      bigint NOT NULL,
    level       smallint NOT NULL,
    environment text NOT NULL,
    release     text NOT NULL,
    events      bigint NOT NULL,
    PRIMARY KEY (part, project, minute, level, environment, release)
) PARTITION BY LIST (part);

-- The same by issue, for whoever asks for one.
CREATE TABLE issue_counts (
    part        integer NOT NULL,
    issue       bigint NOT NULL,
    minute      bigint NOT NULL,
    level       smallint NOT NULL,
    environment text NOT NULL,
    release     text NOT NULL,
    events      bigint NOT NULL,
    PRIMARY KEY (part, issue, minute, level, environment, release)
) PARTITION BY LIST (part);

CREATE TABLE issues (
    id         bigint PRIMARY KEY,
    project    integer NOT NULL,
    -- Its number in its project.
    number     bigint NOT NULL,
    -- Sixteen bytes: what its events are grouped by.
    grouping_key uuid NOT NULL,
    kind       smallint NOT NULL,
    title      text NOT NULL,
    culprit    text NOT NULL,
    platform   text NOT NULL,
    level      smallint NOT NULL,
    first_seen bigint NOT NULL,
    last_seen  bigint NOT NULL,
    events     bigint NOT NULL,
    UNIQUE (project, grouping_key),
    UNIQUE (project, number)
) WITH (fillfactor = 80);

CREATE INDEX issues_project_last_seen ON issues (project, last_seen, id);

CREATE TABLE issue_numbers (
    project integer PRIMARY KEY,
    -- The last number that was given.
    number  bigint NOT NULL
);

-- Of these projects, everything that arrived up to the moment is gone; the greatest number
-- stands for deleted projects.
CREATE TABLE hidden (
    project  integer PRIMARY KEY,
    received bigint NOT NULL
);

-- Records whose bodies are to be removed: erased ones and duplicates.
CREATE TABLE dead (
    seq bigint PRIMARY KEY
);

CREATE TABLE outcomes (
    project  integer NOT NULL,
    minute   bigint NOT NULL,
    -- 0 when no key sent it.
    key      integer NOT NULL,
    category text NOT NULL,
    outcome  smallint NOT NULL,
    reason   text NOT NULL,
    quantity bigint NOT NULL,
    PRIMARY KEY (project, minute, category, outcome, reason, key)
) WITH (fillfactor = 80);

CREATE TABLE sessions (
    project     integer NOT NULL,
    sid         uuid NOT NULL,
    person      bigint,
    sequence    bigint NOT NULL,
    -- 0 ok, 1 exited, 2 errored, 3 abnormal, 4 crashed.
    state       smallint NOT NULL,
    errors      bigint NOT NULL,
    started     bigint NOT NULL,
    received    bigint NOT NULL,
    duration    bigint,
    release     text NOT NULL,
    environment text NOT NULL,
    PRIMARY KEY (project, sid)
);

CREATE INDEX sessions_project_started ON sessions (project, started);

CREATE TABLE session_tallies (
    project     integer NOT NULL,
    minute      bigint NOT NULL,
    release     text NOT NULL,
    environment text NOT NULL,
    exited      bigint NOT NULL,
    errored     bigint NOT NULL,
    abnormal    bigint NOT NULL,
    crashed     bigint NOT NULL,
    PRIMARY KEY (project, minute, release, environment)
);
