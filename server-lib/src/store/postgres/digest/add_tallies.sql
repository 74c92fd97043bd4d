INSERT INTO session_tallies AS t (
    project, minute, release, environment, exited, errored, abnormal, crashed
)
SELECT *
FROM unnest(
    $1::integer[], $2::bigint[], $3::text[], $4::text[],
    $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[]
)
ON CONFLICT (project, minute, release, environment) DO UPDATE
SET exited = t.exited + EXCLUDED.exited,
    errored = t.errored + EXCLUDED.errored,
    abnormal = t.abnormal + EXCLUDED.abnormal,
    crashed = t.crashed + EXCLUDED.crashed
