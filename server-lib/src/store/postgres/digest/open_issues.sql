INSERT INTO issues (
    id, project, number, grouping_key, kind, title, culprit, platform, level,
    first_seen, last_seen, events
)
SELECT *
FROM unnest(
    $1::bigint[], $2::integer[], $3::bigint[], $4::uuid[], $5::smallint[], $6::text[],
    $7::text[], $8::text[], $9::smallint[], $10::bigint[], $11::bigint[], $12::bigint[]
)
