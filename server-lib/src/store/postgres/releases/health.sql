SELECT
    p.project, p.release, p.environment,
    CASE
        WHEN $6::bigint IS NULL THEN $2::bigint
        ELSE p.minute - mod(mod(p.minute, $6) + $6, $6)
    END AS beginning,
    sum(p.total)::bigint, sum(p.errored)::bigint, sum(p.abnormal)::bigint, sum(p.crashed)::bigint
FROM (
    SELECT
        project, release, environment,
        -- Rounds down, also before 1970.
        (started - mod(mod(started, 60000) + 60000, 60000)) / 60000 AS minute,
        begun::integer AS total,
        (state = 2 OR state IN (0, 1) AND errors > 0)::integer AS errored,
        (state = 3)::integer AS abnormal,
        (state = 4)::integer AS crashed
    FROM sessions
    WHERE project = ANY($1) AND started >= $2::bigint * 60000 AND started < ($3::bigint + 1) * 60000
    UNION ALL
    SELECT
        project, release, environment, minute, exited + errored + abnormal + crashed, errored,
        abnormal, crashed
    FROM session_tallies
    WHERE project = ANY($1) AND minute BETWEEN $2::bigint AND $3::bigint
) AS p
WHERE (cardinality($4::text[]) = 0 OR p.release = ANY($4))
    AND (cardinality($5::text[]) = 0 OR p.environment = ANY($5))
    AND NOT EXISTS (
        SELECT FROM hidden h WHERE h.project = p.project AND h.received = 9223372036854775807
    )
GROUP BY p.project, p.release, p.environment, beginning
ORDER BY beginning, p.project, p.release, p.environment
