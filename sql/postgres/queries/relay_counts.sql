/*
 * Purpose:    Count relays by network and state.
 * Parameters: none
 * Result:     network, state, relays
 * Caller:     RelayStore::relay_counts
 * Index:      none: reads relay whole
 */
SELECT network, state, count(*) AS relays FROM relay GROUP BY network, state
