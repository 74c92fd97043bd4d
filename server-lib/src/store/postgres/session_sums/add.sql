INSERT INTO session_counts AS t (
    minute, project, release, environment, total, errored, abnormal, crashed, detail
)
SELECT *
FROM unnest(
    $1::bigint[], $2::integer[], $3::text[], $4::text[],
    $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bytea[]
)
ON CONFLICT (minute, project, release, environment) DO UPDATE
SET total = t.total + EXCLUDED.total,
    errored = t.errored + EXCLUDED.errored,
    abnormal = t.abnormal + EXCLUDED.abnormal,
    crashed = t.crashed + EXCLUDED.crashed,
    detail = COALESCE(EXCLUDED.detail, t.detail)
