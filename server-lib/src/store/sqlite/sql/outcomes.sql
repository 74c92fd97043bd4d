SELECT
    -- Rounds down, also before 1970.
    (minute - ((minute % ?4) + ?4) % ?4) / ?4 AS bucket,
    category,
    outcome,
    reason,
    sum(quantity)
FROM outcomes
WHERE project = ?1 AND minute BETWEEN ?2 AND ?3
GROUP BY bucket, category, outcome, reason
ORDER BY bucket, category, outcome, reason
