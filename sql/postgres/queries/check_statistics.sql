/*
 * Purpose:    Compare counters with what is stored.
 * Parameters: $1 public key, exclusive; empty for the first
 *             $2 how many events to read, about
 * Result:     one row: authors, wrong, last
 * Caller:     FigureStore::reconcile_statistics
 * Index:      those of statistics_check()
 */
SELECT c.authors, c.wrong, c.last FROM statistics_check($1, $2) AS c
