INSERT INTO groups AS g (id, project, grouping_key, issue, first_seen, last_seen, events)
SELECT *
FROM unnest(
    $1::bigint[], $2::integer[], $3::uuid[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[]
)
ON CONFLICT (id) DO UPDATE
SET first_seen = LEAST(g.first_seen, EXCLUDED.first_seen),
    last_seen = GREATEST(g.last_seen, EXCLUDED.last_seen),
    events = g.events + EXCLUDED.events
