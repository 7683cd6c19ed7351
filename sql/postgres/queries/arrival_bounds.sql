/*
 * Purpose:    The newest batch there ever was, and the oldest that is still in the log.
 * Parameters: none
 * Result:     newest; oldest, newest + 1 when the log is empty
 * Caller:     EventStore::arrival_bounds
 * Index:      primary key of arrival
 */
SELECT h.batch AS newest, coalesce((SELECT min(a.batch) FROM arrival a), h.batch + 1) AS oldest
FROM arrival_head h
