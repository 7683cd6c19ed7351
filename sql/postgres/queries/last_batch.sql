/*
 * Purpose:    The number of the last batch of arrivals.
 * Result:     batch, 0 before the first
 * Caller:     query
 */
SELECT h.batch FROM arrival_head h
