/*
 * Purpose:    Make a check the latest of its relay.
 * Parameters: $1 relay_id
 *             $2 checked_at
 *             $3 state
 *             $4 is_up
 *             $5 next_check_at
 * Result:     affected rows
 * Caller:     HistoryStore::add_outcome
 * Index:      primary key of relay_check
 */
INSERT INTO relay_check (relay_id, checked_at, state, is_up, next_check_at)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (relay_id) DO UPDATE
SET checked_at = excluded.checked_at, state = excluded.state, is_up = excluded.is_up,
    next_check_at = excluded.next_check_at
