/*
 * Purpose:    Count events, authors and kinds by day.
 * Parameters: $1 day, exclusive
 *             $2 limit
 * Result:     day, events, authors, kinds, oldest day first
 * Caller:     FigureStore::day_figures
 * Index:      primary key of day_counter
 */
SELECT c.day, c.events, c.authors, c.kinds
FROM day_counter AS c
WHERE c.day > $1::bigint
ORDER BY c.day
LIMIT $2
