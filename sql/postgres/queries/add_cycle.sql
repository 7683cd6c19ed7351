/*
 * Purpose:    Record a cycle.
 * Parameters: $1 service_name
 *             $2 started_at
 *             $3 duration_ms
 *             $4 is_success
 *             $5 summary
 * Result:     affected rows
 * Caller:     StatisticsStore::add_cycle
 * Index:      primary key of cycle
 */
INSERT INTO cycle (service_name, started_at, duration_ms, is_success, summary)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (service_name, started_at) DO UPDATE
SET duration_ms = excluded.duration_ms,
    is_success = excluded.is_success,
    summary = excluded.summary
