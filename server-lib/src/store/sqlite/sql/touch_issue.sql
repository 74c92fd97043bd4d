UPDATE issues SET
    events = events + ?2,
    first_release = CASE WHEN ?3 < first_seen THEN ?4 ELSE first_release END,
    first_seen = min(first_seen, ?3),
    last_seen = max(last_seen, ?5),
    kind = CASE WHEN ?5 >= last_seen THEN ?6 ELSE kind END,
    level = CASE WHEN ?5 >= last_seen THEN ?7 ELSE level END,
    unhandled = CASE WHEN ?5 >= last_seen THEN ?8 ELSE unhandled END,
    platform = CASE WHEN ?5 >= last_seen THEN ?9 ELSE platform END,
    title = CASE WHEN ?5 >= last_seen THEN ?10 ELSE title END,
    culprit = CASE WHEN ?5 >= last_seen THEN ?11 ELSE culprit END,
    error_type = CASE WHEN ?5 >= last_seen THEN ?12 ELSE error_type END,
    error_value = CASE WHEN ?5 >= last_seen THEN ?13 ELSE error_value END,
    filename = CASE WHEN ?5 >= last_seen THEN ?14 ELSE filename END,
    function = CASE WHEN ?5 >= last_seen THEN ?15 ELSE function END,
    last_release = CASE WHEN ?5 >= last_seen THEN ?16 ELSE last_release END
WHERE id = ?1
RETURNING status
