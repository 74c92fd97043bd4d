-- Who had the sessions of a row and how long they took: sets of hashed people and classes of times.
ALTER TABLE session_counts ADD COLUMN detail BLOB;

-- Minutes since 1970 up to which sums of sessions are put together.
INSERT INTO counters (name, value) VALUES
    ('rolled_session_hours', 0),
    ('rolled_session_days', 0);
