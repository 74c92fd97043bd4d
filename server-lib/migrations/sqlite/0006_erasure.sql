-- What is erased leaves the search index too, and the free pages of the file.

-- What is still to be done after erasures: 0 nothing, 1 all, 2 words are being merged, 3 free pages
-- are being overwritten, 4 the rows that hold them go.
INSERT INTO counters (name, value) VALUES ('erasure', 0);

CREATE TABLE erased_events (
    -- Erased, and maybe still in the pages of the search index.
    seq      INTEGER PRIMARY KEY,
    project  INTEGER NOT NULL,
    group_id INTEGER NOT NULL,
    -- Hours since 1970.
    hour     INTEGER NOT NULL
) STRICT;

CREATE TABLE stale_partitions (
    -- The search index of these may have projects that are deleted.
    id   INTEGER PRIMARY KEY,
    -- How often that happened, and how far digest was the last time.
    mark INTEGER NOT NULL,
    seq  INTEGER NOT NULL
) STRICT;

CREATE TABLE stale_groups (
    -- These lost events and have others: what is known of them is read again.
    id   INTEGER PRIMARY KEY,
    -- How often that happened, and how far digest was the last time.
    mark INTEGER NOT NULL,
    seq  INTEGER NOT NULL
) STRICT;

CREATE TABLE blanks (
    -- Zeros, for as long as free pages are being overwritten.
    id   INTEGER PRIMARY KEY,
    body BLOB NOT NULL
) STRICT;
