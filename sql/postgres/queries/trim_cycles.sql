/*
 * Purpose:    Delete all but the newest cycles of a service.
 * Parameters: $1 service_name
 *             $2 how many stay
 * Result:     affected rows
 * Caller:     StatisticsStore::add_cycle
 * Index:      primary key of cycle
 */
DELETE FROM cycle
WHERE service_name = $1
    AND started_at < (
        SELECT min(kept.started_at)
        FROM (
            SELECT newest.started_at
            FROM cycle AS newest
            WHERE newest.service_name = $1
            ORDER BY newest.started_at DESC
            LIMIT $2
        ) AS kept
    )
