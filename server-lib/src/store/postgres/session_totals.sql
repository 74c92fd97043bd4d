SELECT
    COALESCE(sum(total), 0)::bigint,
    COALESCE(sum(errored), 0)::bigint,
    COALESCE(sum(abnormal), 0)::bigint,
    COALESCE(sum(crashed), 0)::bigint
FROM (
    SELECT
        count(*) FILTER (WHERE begun) AS total,
        count(*) FILTER (WHERE state = 2 OR state IN (0, 1) AND errors > 0) AS errored,
        count(*) FILTER (WHERE state = 3) AS abnormal,
        count(*) FILTER (WHERE state = 4) AS crashed
    FROM sessions
    WHERE project = $1 AND started BETWEEN $2 AND $3
    UNION ALL
    SELECT sum(exited + errored + abnormal + crashed), sum(errored), sum(abnormal), sum(crashed)
    FROM session_tallies
    WHERE project = $1 AND minute BETWEEN $4 AND $5
) AS parts
