INSERT INTO issues (
    id, project, number, grouping, kind, level, unhandled, platform, title, culprit, error_type,
    error_value, filename, function, last_release, first_release, first_seen, last_seen, events,
    users, users_exact, comments, priority, status, substatus, since, wake_escalating
)
SELECT
    groups.id, groups.project, ?2, groups.grouping, kind, level, unhandled, platform, title,
    culprit, error_type, error_value, filename, function, last_release, first_release,
    groups.first_seen, groups.last_seen, groups.events, 0, 1, 0, priority, 0, 1, since, 0
FROM groups
JOIN issues ON issues.id = groups.issue
WHERE groups.id = ?1
