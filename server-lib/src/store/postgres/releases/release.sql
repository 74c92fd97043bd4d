SELECT
    r.id, r.project, r.version, r.created, r.started, r.released, r.url, r.reference, r.archived,
    r.first_event, r.last_event,
    (
        SELECT count(*)
        FROM issues s
        WHERE s.project = r.project AND s.first_release = r.version AND s.first_release <> ''
    ),
    (SELECT count(*) FROM commits c WHERE c.release = r.id),
    (SELECT c.id FROM commits c WHERE c.release = r.id AND c.place = 0)
FROM releases r
