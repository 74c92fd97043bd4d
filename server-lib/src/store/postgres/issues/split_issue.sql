INSERT INTO issues (
    id, project, number, grouping_key, kind, level, unhandled, platform, title, culprit,
    error_type, error_value, filename, function, last_release, first_release, first_seen,
    last_seen, events, priority, status, substatus, since
)
SELECT
    g.id, g.project, $2, g.grouping_key, s.kind, s.level, s.unhandled, s.platform, s.title,
    s.culprit, s.error_type, s.error_value, s.filename, s.function, s.last_release,
    s.first_release, g.first_seen, g.last_seen, g.events, s.priority, 0, 1, s.since
FROM groups g
JOIN issues s ON s.id = g.issue
WHERE g.id = $1
