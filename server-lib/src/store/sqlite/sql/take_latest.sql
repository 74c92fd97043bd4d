UPDATE issues SET (
    kind, level, unhandled, platform, title, culprit, error_type, error_value, filename, function,
    last_release
) = (
    SELECT
        kind, level, unhandled, platform, title, culprit, error_type, error_value, filename,
        function, last_release
    FROM issues
    WHERE id = ?2
)
WHERE id = ?1
