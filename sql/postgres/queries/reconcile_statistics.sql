/*
 * Purpose:    Count everything anew; in a transaction that repeats its reads.
 * Parameters: none
 * Result:     none
 * Caller:     FigureStore::reconcile_statistics
 * Index:      none: reads all events and sightings
 */
SELECT statistics_reconcile()
