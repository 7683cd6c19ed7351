/*
 * Purpose:    Which events are stored.
 * Parameters: $1 keys computed from the events
 *             $2 their ids
 * Result:     stored, the key of each or NULL, in order
 * Caller:     EventStore::known
 * Index:      primary key of event
 */
SELECT event_known($1, $2) AS stored
