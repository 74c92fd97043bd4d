INSERT INTO issues (
    id, project, number, grouping_key, kind, level, first_seen, last_seen, since, priority,
    title, culprit, platform, events
)
SELECT n.id, n.project, n.number, n.grouping_key, n.kind, n.level, n.at, n.at, n.at, n.priority,
    '', '', '', 0
FROM unnest(
    $1::bigint[], $2::integer[], $3::bigint[], $4::uuid[], $5::smallint[], $6::smallint[],
    $7::bigint[], $8::smallint[]
) AS n (id, project, number, grouping_key, kind, level, at, priority)
