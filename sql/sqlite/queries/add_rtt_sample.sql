/*
 * Purpose:    Record the round-trip times of a check.
 * Parameters: $1 relay_id
 *             $2 checked_at
 *             $3 open_ms or null
 *             $4 read_ms or null
 *             $5 write_ms or null
 * Result:     affected rows
 * Caller:     RelayStore::record_check
 * Index:      primary key of relay_rtt
 */
INSERT INTO relay_rtt (relay_id, checked_at, open_ms, read_ms, write_ms)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (relay_id, checked_at) DO UPDATE
SET open_ms = excluded.open_ms, read_ms = excluded.read_ms, write_ms = excluded.write_ms
