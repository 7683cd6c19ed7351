/*
 * Purpose:    Read the newest events in quarantine.
 * Parameters: $1 at most so many
 * Result:     id, event, relay_id, reason and quarantined_at, newest first
 * Caller:     QuarantineStore::quarantined
 * Index:      quarantine_by_time, at most $1 entries
 */
SELECT q.id, q.event, q.relay_id, q.reason, q.quarantined_at
FROM quarantine AS q
ORDER BY q.quarantined_at DESC, q.id DESC
LIMIT $1
