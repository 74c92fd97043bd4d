INSERT INTO issues (
    id, events, first_seen, first_release, last_seen, kind, level, unhandled, platform, title,
    culprit, error_type, error_value, filename, function, last_release, project, number, grouping,
    priority, status, substatus, since, users, users_exact, comments, wake_escalating
)
VALUES (
    ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,
    ?22, ?23, 0, 1, 0, 0
)
