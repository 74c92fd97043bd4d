-- Bodies: the journal's blocks, in a table for each range of records. A range is packed once it
-- is no longer written to: its blocks go, merged, into a new table that takes its place.

CREATE TABLE block_ranges (
    id        integer PRIMARY KEY,
    first_seq bigint NOT NULL UNIQUE,
    last_seq  bigint NOT NULL,
    records   bigint NOT NULL,
    -- The table is blocks_<id>_<generation>.
    generation integer NOT NULL,
    -- Whether the table holds merged blocks.
    packed    boolean NOT NULL,
    -- The last record whose block is in the table of the next generation already.
    staged    bigint NOT NULL
);

-- The form of the tables.
CREATE TABLE blocks (
    first_seq bigint PRIMARY KEY,
    last_seq  bigint NOT NULL,
    -- Whose records it holds, and when the last of each arrived.
    projects  integer[] NOT NULL,
    newest    bigint[] NOT NULL,
    bytes     bytea NOT NULL,
    -- Files that hold bodies which were too large for it.
    blobs     text[] NOT NULL,
    -- How many times records were taken out of it.
    revision  integer NOT NULL DEFAULT 0
);

-- Compressed already.
ALTER TABLE blocks ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- Records that are left out of the packed table under construction, and are forgotten with it.
ALTER TABLE dead ADD COLUMN staged boolean NOT NULL DEFAULT false;
