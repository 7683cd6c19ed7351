/*
 * Purpose:    Add a check to the row of its time in one resolution.
 * Parameters: $1 relay_id
 *             $2 resolution_s
 *             $3 started_at
 *             $4 answered
 *             $5 up_s
 *             $6 down_s
 *             $7 open_times
 * Result:     affected rows
 * Caller:     HistoryStore::add_outcome
 * Index:      primary key of relay_series
 */
INSERT INTO relay_series (
    relay_id, resolution_s, started_at, checks, answered, up_s, down_s, open_times
)
VALUES ($1, $2, $3, 1, $4, $5, $6, $7)
ON CONFLICT (relay_id, resolution_s, started_at) DO UPDATE
SET checks = checks + 1, answered = answered + excluded.answered, up_s = up_s + excluded.up_s,
    down_s = down_s + excluded.down_s, open_times = open_times || excluded.open_times
