/*
 * Purpose:    Count the failed checks of a relay by reason.
 * Parameters: $1 relay_id
 *             $2 since
 * Result:     reason, failures; the most frequent first
 * Caller:     HistoryStore::failures
 * Index:      primary key of relay_failure
 */
SELECT reason, sum(failures)::bigint AS failures
FROM relay_failure
WHERE relay_id = $1 AND day >= $2
GROUP BY reason
ORDER BY 2 DESC, reason
