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
    latest.id, latest.repository, latest.author_name, latest.author_email, latest.message, latest.at
FROM releases
LEFT JOIN commits latest ON latest.release = releases.id AND latest.place = 0
