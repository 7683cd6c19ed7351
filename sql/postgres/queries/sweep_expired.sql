/*
 * Purpose:    Hides events whose expiration has passed.
 * Parameters: $1 unix seconds, $2 how many at most
 * Result:     swept, how many
 * Caller:     sweep_expired
 */
SELECT event_sweep_expired($1, $2) AS swept
