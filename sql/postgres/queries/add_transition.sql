/*
 * Purpose:    Write down that the state of a relay changed.
 * Parameters: $1 relay_id
 *             $2 changed_at
 *             $3 from_state
 *             $4 to_state
 *             $5 reason
 * Result:     affected rows
 * Caller:     HistoryStore::add_outcome
 * Index:      primary key of relay_transition
 */
INSERT INTO relay_transition (relay_id, changed_at, from_state, to_state, reason)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (relay_id, changed_at) DO NOTHING
