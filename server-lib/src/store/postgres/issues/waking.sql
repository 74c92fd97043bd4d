(
    SELECT id, true AS is_timed
    FROM issues
    WHERE wake_at <= $1
    ORDER BY wake_at
    LIMIT $2
)
UNION ALL
SELECT s.id, false
FROM (
    SELECT id
    FROM issues
    WHERE wake_escalating AND (wake_at IS NULL OR wake_at > $1)
    ORDER BY last_seen DESC
    LIMIT $2
) AS s
CROSS JOIN LATERAL (
    -- The last day, and the week before it.
    SELECT
        COALESCE(sum(c.events) FILTER (WHERE c.minute >= $3::bigint - 23 * 60), 0) AS lately,
        COALESCE(sum(c.events) FILTER (WHERE c.minute < $3::bigint - 23 * 60), 0) AS before
    FROM groups g
    JOIN issue_counts c ON c.group_id = g.id
    WHERE g.issue = s.id AND c.minute >= $3::bigint - 8 * 1440 + 60 AND c.minute < $3::bigint + 60
) AS c
WHERE c.lately >= 50 AND c.lately > c.before * 10 / 7
