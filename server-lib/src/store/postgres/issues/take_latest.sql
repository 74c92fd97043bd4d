UPDATE issues AS s
SET kind = c.kind,
    level = c.level,
    unhandled = c.unhandled,
    platform = c.platform,
    title = c.title,
    culprit = c.culprit,
    error_type = c.error_type,
    error_value = c.error_value,
    filename = c.filename,
    function = c.function,
    last_release = c.last_release
FROM issues AS c
WHERE s.id = $1 AND c.id = $2
