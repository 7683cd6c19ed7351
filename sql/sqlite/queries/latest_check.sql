/*
 * Purpose:    Find out what the latest check of a relay was.
 * Parameters: $1 relay_id
 * Result:     one row, with nulls for a relay that was never checked; none when there is no such relay
 * Caller:     HistoryStore::add_outcome
 * Index:      primary keys of relay and relay_check
 */
SELECT l.checked_at, l.state, l.is_up, l.next_check_at
FROM relay AS r
LEFT JOIN relay_check AS l ON l.relay_id = r.relay_id
WHERE r.relay_id = $1
