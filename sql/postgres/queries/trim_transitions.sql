/*
 * Purpose:    Delete the changes of a relay's state beyond the newest.
 * Parameters: $1 relay_id
 *             $2 how many stay
 * Result:     affected rows
 * Caller:     HistoryStore::add_outcome
 * Index:      primary key of relay_transition, the entries that stay
 */
DELETE FROM relay_transition
WHERE relay_id = $1 AND changed_at <= (
    SELECT kept.changed_at
    FROM relay_transition AS kept
    WHERE kept.relay_id = $1
    ORDER BY kept.changed_at DESC
    LIMIT 1 OFFSET $2
)
