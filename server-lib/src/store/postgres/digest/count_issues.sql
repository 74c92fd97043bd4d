UPDATE issues AS s
SET kind = CASE WHEN n.last_seen >= s.last_seen THEN n.kind ELSE s.kind END,
    title = CASE WHEN n.last_seen >= s.last_seen THEN n.title ELSE s.title END,
    culprit = CASE WHEN n.last_seen >= s.last_seen THEN n.culprit ELSE s.culprit END,
    platform = CASE WHEN n.last_seen >= s.last_seen THEN n.platform ELSE s.platform END,
    level = CASE WHEN n.last_seen >= s.last_seen THEN n.level ELSE s.level END,
    first_seen = LEAST(s.first_seen, n.first_seen),
    last_seen = GREATEST(s.last_seen, n.last_seen),
    events = s.events + n.events
FROM unnest(
    $1::bigint[], $2::integer[], $3::bigint[], $4::uuid[], $5::smallint[], $6::text[],
    $7::text[], $8::text[], $9::smallint[], $10::bigint[], $11::bigint[], $12::bigint[]
) AS n (
    id, project, number, grouping_key, kind, title, culprit, platform, level,
    first_seen, last_seen, events
)
WHERE s.id = n.id
