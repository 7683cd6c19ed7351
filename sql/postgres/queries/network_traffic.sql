/*
 * Purpose:    Tell what was received of each network.
 * Parameters: none
 * Result:     network, received_bytes, new_events, known_events, refused_events
 * Caller:     TrafficStore::network_traffic
 * Index:      none: reads relay and relay_traffic whole
 */
SELECT
    r.network,
    sum(t.received_bytes)::bigint AS received_bytes,
    sum(t.new_events)::bigint AS new_events,
    sum(t.known_events)::bigint AS known_events,
    sum(t.refused_events)::bigint AS refused_events
FROM relay_traffic AS t
JOIN relay AS r ON r.relay_id = t.relay_id
GROUP BY r.network
ORDER BY r.network
