DELETE FROM sessions
WHERE (project, sid) IN (
    SELECT project, sid FROM sessions WHERE project = $1 AND person = $2 LIMIT $3
)
RETURNING
    project, sid, sequence, state, errors, started, begun, person, duration, release, environment,
    received
