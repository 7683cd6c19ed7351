/*
 * Purpose:    Delete what is said about failures of a relay long ago.
 * Parameters: $1 relay_id
 *             $2 before
 * Result:     affected rows
 * Caller:     HistoryStore::add_outcome
 * Index:      primary key of relay_failure
 */
DELETE FROM relay_failure WHERE relay_id = $1 AND day < $2
