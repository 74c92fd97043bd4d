CREATE TABLE counters (
    -- Single numbers: 'catalog_version'; 'floors_version', which moves with project_floors;
    -- 'position' of digest; 'rolled_hours' and 'rolled_days', up to which outcomes are summed;
    -- 'store', which names this database.
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO counters (name, value) VALUES
    ('catalog_version', 1),
    ('floors_version', 1),
    ('position', 0),
    ('rolled_hours', 0),
    ('rolled_days', 0),
    ('store', random());

-- The catalogue: small, read whole into memory. AUTOINCREMENT: no number is ever given again.

CREATE TABLE organisations (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    slug    TEXT NOT NULL UNIQUE,
    name    TEXT NOT NULL,
    -- Times are milliseconds since 1970, here and everywhere.
    created INTEGER NOT NULL
) STRICT;

CREATE TABLE projects (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation INTEGER NOT NULL REFERENCES organisations (id),
    slug         TEXT NOT NULL,
    name         TEXT NOT NULL,
    platform     TEXT,
    created      INTEGER NOT NULL,
    ingest_token TEXT NOT NULL UNIQUE,
    -- JSON; what is missing has its default.
    settings     TEXT NOT NULL,
    UNIQUE (organisation, slug)
) STRICT;

CREATE TABLE project_keys (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    project      INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    public_key   TEXT NOT NULL UNIQUE,
    label        TEXT NOT NULL,
    active       INTEGER NOT NULL,
    -- A limit of its own, both or neither: so many events in so many seconds.
    limit_window INTEGER,
    limit_count  INTEGER,
    created      INTEGER NOT NULL
) STRICT;

CREATE INDEX project_keys_project ON project_keys (project);

CREATE TABLE api_tokens (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    organisation INTEGER NOT NULL REFERENCES organisations (id),
    label        TEXT NOT NULL,
    -- SHA-256 of the secret, which is not kept.
    hash         BLOB NOT NULL UNIQUE,
    hint         TEXT NOT NULL,
    -- One bit for each scope.
    scopes       INTEGER NOT NULL,
    created      INTEGER NOT NULL,
    last_used    INTEGER,
    expires      INTEGER
) STRICT;

-- The index. Rows of events, items and their sums are in tables of their own for each partition.

CREATE TABLE partitions (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Its first record, and its last so far.
    first        INTEGER NOT NULL,
    last         INTEGER NOT NULL,
    -- When these arrived.
    opened       INTEGER NOT NULL,
    newest       INTEGER NOT NULL,
    events       INTEGER NOT NULL,
    items        INTEGER NOT NULL,
    -- The times of its events lie between these.
    min_happened INTEGER NOT NULL,
    max_happened INTEGER NOT NULL,
    -- 1 while its tables are being dropped.
    dropping     INTEGER NOT NULL
) STRICT;

CREATE TABLE names (
    -- Stands for the text in other tables; 0 is the empty text and has no row.
    id   INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE issues (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    project    INTEGER NOT NULL,
    -- Its number in its project.
    number     INTEGER NOT NULL,
    -- Sixteen bytes: events of equal keys are one issue.
    grouping   BLOB NOT NULL,
    -- Of the latest event: kind, level, platform, title, culprit.
    kind       INTEGER NOT NULL,
    level      INTEGER NOT NULL,
    platform   TEXT NOT NULL,
    title      TEXT NOT NULL,
    culprit    TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL,
    -- How many it has had, dropped ones included.
    events     INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX issues_grouping ON issues (project, grouping);
CREATE UNIQUE INDEX issues_number ON issues (project, number);
CREATE INDEX issues_last_seen ON issues (project, last_seen);

CREATE TABLE project_floors (
    -- Nothing of the project is shown that arrived up to this moment. The last moment there is
    -- stands for a deleted project.
    project  INTEGER PRIMARY KEY,
    received INTEGER NOT NULL,
    -- Rows up to this place are removed.
    swept    INTEGER NOT NULL,
    -- 1 when all rows are removed.
    is_swept INTEGER NOT NULL
) STRICT;

CREATE TABLE dead_records (
    -- Records whose bodies go with the next compaction.
    seq INTEGER PRIMARY KEY
) STRICT;

-- Statistics.

CREATE TABLE outcomes (
    project  INTEGER NOT NULL,
    -- Minutes since 1970; of old ones, the beginning of their hour or day.
    minute   INTEGER NOT NULL,
    category TEXT NOT NULL,
    outcome  INTEGER NOT NULL,
    -- See names.
    reason   INTEGER NOT NULL,
    -- The key that sent, 0 when none did.
    key      INTEGER NOT NULL,
    quantity INTEGER NOT NULL,
    PRIMARY KEY (project, minute, category, outcome, reason, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    project     INTEGER NOT NULL,
    sid         BLOB NOT NULL,
    -- Where it is counted.
    minute      INTEGER NOT NULL,
    release     INTEGER NOT NULL,
    environment INTEGER NOT NULL,
    -- The state that it told, the number of that update, and the errors until then.
    state       INTEGER NOT NULL,
    sequence    INTEGER NOT NULL,
    errors      INTEGER NOT NULL,
    -- A hash of who it was.
    user        INTEGER,
    received    INTEGER NOT NULL,
    duration_ms INTEGER,
    PRIMARY KEY (project, sid)
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_received ON sessions (received);

CREATE TABLE session_counts (
    project     INTEGER NOT NULL,
    -- Minutes since 1970 in which they began.
    minute      INTEGER NOT NULL,
    release     INTEGER NOT NULL,
    environment INTEGER NOT NULL,
    total       INTEGER NOT NULL,
    errored     INTEGER NOT NULL,
    abnormal    INTEGER NOT NULL,
    crashed     INTEGER NOT NULL,
    PRIMARY KEY (project, minute, release, environment)
) STRICT, WITHOUT ROWID;
