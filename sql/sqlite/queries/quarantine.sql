/*
 * Purpose:    Put an event into quarantine.
 * Parameters: $1 id
 *             $2 event or null
 *             $3 relay_id or null
 *             $4 reason
 *             $5 quarantined_at
 * Result:     affected rows = 0 when it is there already
 * Caller:     QuarantineStore::quarantine
 * Index:      primary key of quarantine
 */
INSERT INTO quarantine (id, event, relay_id, reason, quarantined_at)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (id) DO NOTHING
