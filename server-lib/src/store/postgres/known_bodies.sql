SELECT DISTINCT received, bytes
FROM items
WHERE part IN (
    SELECT id FROM partitions WHERE newest >= $1::bigint - $4::bigint AND opened <= $2::bigint + $4::bigint
)
AND received BETWEEN $1::bigint AND $2::bigint
AND bytes >= $3::bigint
