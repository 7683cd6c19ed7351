/*
 * Purpose:    Tell what was received of a relay.
 * Parameters: $1 relay_id
 * Result:     relay_id, received_bytes, new_events, known_events, refused_events, fresh_until, is_caught_up
 * Caller:     TrafficStore::traffic
 * Index:      primary key of relay_traffic
 */
SELECT relay_id, received_bytes, new_events, known_events, refused_events, fresh_until, is_caught_up
FROM relay_traffic
WHERE relay_id = $1
