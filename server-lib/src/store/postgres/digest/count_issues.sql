UPDATE issues AS s
SET kind = CASE WHEN n.last_seen >= s.last_seen THEN n.kind ELSE s.kind END,
    level = CASE WHEN n.last_seen >= s.last_seen THEN n.level ELSE s.level END,
    unhandled = CASE WHEN n.last_seen >= s.last_seen THEN n.unhandled ELSE s.unhandled END,
    platform = CASE WHEN n.last_seen >= s.last_seen THEN n.platform ELSE s.platform END,
    title = CASE WHEN n.last_seen >= s.last_seen THEN n.title ELSE s.title END,
    culprit = CASE WHEN n.last_seen >= s.last_seen THEN n.culprit ELSE s.culprit END,
    error_type = CASE WHEN n.last_seen >= s.last_seen THEN n.error_type ELSE s.error_type END,
    error_value = CASE WHEN n.last_seen >= s.last_seen THEN n.error_value ELSE s.error_value END,
    filename = CASE WHEN n.last_seen >= s.last_seen THEN n.filename ELSE s.filename END,
    function = CASE WHEN n.last_seen >= s.last_seen THEN n.function ELSE s.function END,
    last_release = CASE WHEN n.last_seen >= s.last_seen THEN n.release ELSE s.last_release END,
    first_release = CASE
        WHEN n.first_seen < s.first_seen OR s.events = 0 THEN n.first_release
        ELSE s.first_release
    END,
    first_seen = LEAST(s.first_seen, n.first_seen),
    last_seen = GREATEST(s.last_seen, n.last_seen),
    events = s.events + n.events
FROM unnest(
    $1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::smallint[],
    $7::smallint[], $8::boolean[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[],
    $14::text[], $15::text[], $16::text[]
) AS n (
    id, events, first_seen, first_release, last_seen, kind, level, unhandled, platform, title,
    culprit, error_type, error_value, filename, function, release
)
WHERE s.id = n.id
RETURNING s.id, s.status
