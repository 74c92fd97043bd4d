SELECT
    id, project, number, grouping, kind, level, unhandled, platform, title, culprit,
    error_type, error_value, filename, function, last_release, first_release,
    first_seen, last_seen, events, users, users_exact, assignee, status, substatus, since,
    resolution, resolution_of, resolution_in, snooze, priority, comments
FROM issues
WHERE id = ?1 AND merged_into IS NULL
