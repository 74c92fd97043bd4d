INSERT INTO sessions (
    project, sid, person, sequence, state, errors, started, received, duration, release,
    environment, begun
)
SELECT *
FROM unnest(
    $1::integer[], $2::uuid[], $3::bigint[], $4::bigint[], $5::smallint[], $6::bigint[],
    $7::bigint[], $8::bigint[], $9::bigint[], $10::text[], $11::text[],
    $12::boolean[]
)
ON CONFLICT (project, sid) DO UPDATE
SET person = EXCLUDED.person,
    sequence = EXCLUDED.sequence,
    state = EXCLUDED.state,
    errors = EXCLUDED.errors,
    received = EXCLUDED.received,
    duration = EXCLUDED.duration,
    begun = EXCLUDED.begun
