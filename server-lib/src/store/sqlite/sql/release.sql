SELECT
    releases.id, releases.project, version, created, started, released, url, reference, archived,
    first_event, last_event,
    (
        SELECT count(*)
        FROM names
        JOIN issues ON issues.first_release = names.id
        WHERE names.text = version AND issues.project = releases.project
            AND issues.first_release <> 0
    ),
    (SELECT count(*) FROM commits WHERE commits.release = releases.id),
    (SELECT commits.id FROM commits WHERE commits.release = releases.id AND place = 0)
FROM releases
