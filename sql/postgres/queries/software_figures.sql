/*
 * Purpose:    Count relays by what they run, as of the last refresh.
 * Parameters: $1 limit
 * Result:     software, version, relays, most relays first
 * Caller:     FigureStore::software_figures
 * Index:      none: reads relay_software_counts whole, a row a version
 */
SELECT c.software, c.version, c.relay_count AS relays
FROM relay_software_counts AS c
ORDER BY c.relay_count DESC, c.software COLLATE "C", c.version COLLATE "C"
LIMIT $1
