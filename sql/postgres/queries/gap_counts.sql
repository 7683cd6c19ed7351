/*
 * Purpose:    Count gaps by reason.
 * Parameters: none
 * Result:     reason, gaps, relays
 * Caller:     CoverageStore::gap_counts
 * Index:      none: reads gap whole
 */
SELECT reason, count(*) AS gaps, count(DISTINCT relay_id) AS relays FROM gap GROUP BY reason
