/*
 * Purpose:    Count relays by what they run.
 * Parameters: $1 limit
 * Result:     software, version, relays, most relays first
 * Caller:     FigureStore::software_figures
 * Index:      none: reads relay_statement whole, a row a relay
 */
SELECT coalesce(software, 'unknown') AS software, coalesce(version, 'unknown') AS version, count(*) AS relays
FROM relay_statement
GROUP BY 1, 2
ORDER BY relays DESC, 1, 2
LIMIT $1
