/*
 * Purpose:    Count relays by the NIPs they state, as of the last refresh.
 * Parameters: $1 limit
 * Result:     nip, relays, lowest NIP first
 * Caller:     FigureStore::nip_figures
 * Index:      supported_nip_counts_key
 */
SELECT c.nip, c.relay_count AS relays FROM supported_nip_counts AS c ORDER BY c.nip LIMIT $1
