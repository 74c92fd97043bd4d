SELECT
    s.id, s.project, s.number, s.grouping_key, s.kind, s.title, s.culprit, s.platform, s.level,
    s.first_seen, s.last_seen, s.events
FROM unnest($1::integer[]) AS p (project)
CROSS JOIN LATERAL (
    SELECT *
    FROM issues i
    WHERE i.project = p.project
    ORDER BY i.last_seen DESC, i.id DESC
    LIMIT $2
) AS s
WHERE NOT EXISTS (
    SELECT FROM hidden h WHERE h.project = p.project AND h.received = 9223372036854775807
)
ORDER BY s.last_seen DESC, s.id DESC
OFFSET $3 LIMIT $4
