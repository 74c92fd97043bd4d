INSERT INTO environments (project, name)
SELECT n.project, n.name
FROM unnest($1::integer[], $2::text[]) AS n (project, name)
WHERE NOT EXISTS (
    SELECT FROM environments AS e WHERE e.project = n.project AND e.name = n.name
)
AND (SELECT count(*) FROM environments AS e WHERE e.project = n.project) < $3
ON CONFLICT DO NOTHING
