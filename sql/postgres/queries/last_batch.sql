/*
 * Purpose:    The number of the last batch of arrivals.
 * Parameters: none
 * Result:     batch, 0 before the first
 * Caller:     EventStore::query
 * Index:      none: arrival_head has one row
 */
SELECT h.batch FROM arrival_head h
