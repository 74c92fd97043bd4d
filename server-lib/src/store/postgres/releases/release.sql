SELECT
    r.id, r.project, r.version, r.created, r.started, r.released, r.url, r.reference, r.archived,
    r.first_event, r.last_event,
    (
        SELECT count(*)
        FROM issues s
        WHERE s.project = r.project AND s.first_release = r.version AND s.first_release <> ''
    ),
    (SELECT count(*) FROM commits c WHERE c.release = r.id),
    l.id, l.repository, l.author_name, l.author_email, l.message, l.at
FROM releases r
LEFT JOIN commits l ON l.release = r.id AND l.place = 0
