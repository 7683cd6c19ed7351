/*
 * Purpose:    Count a failed check.
 * Parameters: $1 relay_id
 *             $2 day
 *             $3 reason
 * Result:     affected rows
 * Caller:     HistoryStore::add_outcome
 * Index:      primary key of relay_failure
 */
INSERT INTO relay_failure AS known (relay_id, day, reason, failures)
VALUES ($1, $2, $3, 1)
ON CONFLICT (relay_id, day, reason) DO UPDATE SET failures = known.failures + 1
