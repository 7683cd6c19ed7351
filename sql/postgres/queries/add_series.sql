/*
 * Purpose:    Add a check to the row of its time in each resolution.
 * Parameters: $1 relay_id
 *             $2 resolutions, seconds
 *             $3 started_ats; together one row each
 *             $4 answered
 *             $5 up_s
 *             $6 down_s
 *             $7 open_times
 * Result:     affected rows
 * Caller:     HistoryStore::add_outcome
 * Index:      primary key of relay_series
 */
INSERT INTO relay_series AS known (
    relay_id, resolution_s, started_at, checks, answered, up_s, down_s, open_times
)
SELECT $1::bigint, row.resolution_s, row.started_at, 1, $4::bigint, $5::bigint, $6::bigint, $7::text
FROM unnest($2::bigint[], $3::bigint[]) AS row (resolution_s, started_at)
ON CONFLICT (relay_id, resolution_s, started_at) DO UPDATE
SET checks = known.checks + 1, answered = known.answered + excluded.answered,
    up_s = known.up_s + excluded.up_s, down_s = known.down_s + excluded.down_s,
    open_times = known.open_times || excluded.open_times
