/*
 * Purpose:    Count the relays that are covered beyond a moment.
 * Parameters: $1 first second that counts
 * Result:     relays
 * Caller:     CoverageStore::relays_covered_since
 * Index:      none: reads coverage whole
 */
SELECT count(DISTINCT relay_id) AS relays FROM coverage WHERE until >= $1
