/*
 * Purpose:    Count relays, and the different events, authors and kinds seen there, by network.
 * Parameters: none
 * Result:     network, relays, events, authors, kinds, by name
 * Caller:     FigureStore::network_figures
 * Index:      none: reads relay whole
 */
SELECT
    r.network, r.relays, coalesce(c.events, 0) AS events, coalesce(c.authors, 0) AS authors,
    coalesce(c.kinds, 0) AS kinds
FROM (SELECT network, count(*) AS relays FROM relay GROUP BY network) AS r
LEFT JOIN network_counter AS c ON c.network = r.network
ORDER BY r.network
