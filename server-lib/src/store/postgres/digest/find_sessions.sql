SELECT
    s.project, s.sid, s.sequence, s.state, s.errors, s.started, s.begun, s.person, s.duration,
    s.release, s.environment, s.received
FROM unnest($1::integer[], $2::uuid[]) AS k (project, sid)
JOIN sessions s ON s.project = k.project AND s.sid = k.sid
