/*
 * Purpose:    Count the events in quarantine.
 * Parameters: none
 * Result:     events
 * Caller:     QuarantineStore::quarantined_count
 * Index:      none: reads quarantine whole, which is bounded
 */
SELECT count(*) AS events FROM quarantine
