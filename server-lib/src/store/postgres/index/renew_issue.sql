UPDATE issues
SET last_seen = CASE WHEN id = $1 THEN $2 ELSE last_seen END,
    kind = $3,
    level = $4,
    unhandled = $5,
    platform = $6,
    title = $7,
    culprit = $8,
    error_type = $9,
    error_value = $10,
    filename = $11,
    function = $12,
    last_release = $13
WHERE id = $1 OR merged_into = $1
