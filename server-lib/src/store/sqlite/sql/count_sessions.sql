INSERT INTO session_counts
    (project, minute, release, environment, total, errored, abnormal, crashed, detail)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
ON CONFLICT DO UPDATE SET
    total = total + excluded.total,
    errored = errored + excluded.errored,
    abnormal = abnormal + excluded.abnormal,
    crashed = crashed + excluded.crashed,
    detail = coalesce(excluded.detail, detail)
