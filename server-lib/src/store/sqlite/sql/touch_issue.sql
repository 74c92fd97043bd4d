UPDATE issues SET
    events = events + ?2,
    first_seen = min(first_seen, ?3),
    last_seen = max(last_seen, ?4),
    kind = CASE WHEN ?4 >= last_seen THEN ?5 ELSE kind END,
    level = CASE WHEN ?4 >= last_seen THEN ?6 ELSE level END,
    platform = CASE WHEN ?4 >= last_seen THEN ?7 ELSE platform END,
    title = CASE WHEN ?4 >= last_seen THEN ?8 ELSE title END,
    culprit = CASE WHEN ?4 >= last_seen THEN ?9 ELSE culprit END
WHERE id = ?1
