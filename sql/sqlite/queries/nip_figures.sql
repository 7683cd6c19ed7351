/*
 * Purpose:    Count relays by the NIPs they state.
 * Parameters: $1 limit
 * Result:     nip, relays, lowest NIP first
 * Caller:     FigureStore::nip_figures
 * Index:      primary key of relay_statement_nip, in its order
 */
SELECT nip, count(*) AS relays
FROM relay_statement_nip
GROUP BY nip
ORDER BY nip
LIMIT $1
