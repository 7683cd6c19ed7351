/*
 * Purpose:    Hide events whose expiration has passed.
 * Parameters: $1 unix seconds
 *             $2 how many at most
 * Result:     swept, how many
 * Caller:     EventStore::sweep_expired
 * Index:      primary key of event_expiration
 */
SELECT event_sweep_expired($1, $2) AS swept
