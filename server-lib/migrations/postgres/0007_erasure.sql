-- What is erased leaves the search index too.

CREATE TABLE erased_events (
    -- Erased, and maybe still in the pages of the search index.
    seq      bigint PRIMARY KEY,
    project  integer NOT NULL,
    group_id bigint NOT NULL
);

CREATE TABLE stale_partitions (
    -- The search index of these may have projects that are deleted.
    id   integer PRIMARY KEY,
    -- How often that happened, and how far digest was the last time.
    mark bigint NOT NULL,
    seq  bigint NOT NULL
);

CREATE TABLE stale_groups (
    -- These lost events and have others: what is known of them is read again.
    id   bigint PRIMARY KEY,
    -- How often that happened, and how far digest was the last time.
    mark bigint NOT NULL,
    seq  bigint NOT NULL
);
