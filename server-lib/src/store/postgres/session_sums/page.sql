SELECT
    s.minute, s.project, s.release, s.environment, s.total, s.errored, s.abnormal, s.crashed,
    CASE WHEN $9 THEN s.detail END
FROM session_counts s
WHERE s.minute BETWEEN $1 AND $2
    AND (s.minute, s.project, s.release, s.environment) > ($1::bigint, $3::integer, $4::text, $5::text)
    AND s.project = ANY($6)
    AND (cardinality($7::text[]) = 0 OR s.release = ANY($7))
    AND (cardinality($8::text[]) = 0 OR s.environment = ANY($8))
    AND NOT EXISTS (
        SELECT FROM hidden h WHERE h.project = s.project AND h.received = 9223372036854775807
    )
ORDER BY s.minute, s.project, s.release, s.environment
LIMIT $10
