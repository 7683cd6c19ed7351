/*
 * Purpose:    Record what a check found about a relay, and its round-trip times.
 * Parameters: $1 relay_id
 *             $2 state
 *             $3 check_failures
 *             $4 next_check_at
 *             $5 checked_at
 *             $6 open_ms or null
 *             $7 read_ms or null
 *             $8 write_ms or null
 * Result:     affected rows = 0 when there is no such relay
 * Caller:     RelayStore::record_check
 * Index:      primary keys of relay and relay_rtt
 */
WITH checked AS (
    UPDATE relay
    SET state = $2, check_failures = $3, next_check_at = $4
    WHERE relay_id = $1
    RETURNING relay_id
)
INSERT INTO relay_rtt (relay_id, checked_at, open_ms, read_ms, write_ms)
SELECT checked.relay_id, $5, $6, $7, $8 FROM checked
ON CONFLICT (relay_id, checked_at) DO UPDATE
SET open_ms = excluded.open_ms, read_ms = excluded.read_ms, write_ms = excluded.write_ms
