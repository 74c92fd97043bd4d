SELECT
    minute - ((minute % ?4) + ?4) % ?4 AS beginning,
    category,
    outcome,
    reason,
    key,
    sum(quantity)
FROM outcomes
WHERE project = ?1 AND minute >= ?2 AND minute < ?3
GROUP BY beginning, category, outcome, reason, key
