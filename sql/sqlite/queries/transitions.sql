/*
 * Purpose:    Find the newest changes of a relay's state.
 * Parameters: $1 relay_id
 *             $2 limit
 * Result:     changed_at, from_state, to_state, reason; newest first
 * Caller:     HistoryStore::transitions
 * Index:      primary key of relay_transition, at most limit entries
 */
SELECT changed_at, from_state, to_state, reason
FROM relay_transition
WHERE relay_id = $1
ORDER BY changed_at DESC
LIMIT $2
