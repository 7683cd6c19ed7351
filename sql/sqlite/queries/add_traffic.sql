/*
 * Purpose:    Add to what was received of a relay.
 * Parameters: $1 relay_id
 *             $2 received_bytes
 *             $3 new_events
 *             $4 known_events
 *             $5 refused_events
 *             $6 fresh_until
 *             $7 is_caught_up
 * Result:     affected rows = 1; an unknown relay violates the foreign key
 * Caller:     TrafficStore::add_traffic
 * Index:      primary key of relay_traffic
 */
INSERT INTO relay_traffic AS t (
    relay_id, received_bytes, new_events, known_events, refused_events, fresh_until, is_caught_up
)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (relay_id) DO UPDATE
SET received_bytes = t.received_bytes + excluded.received_bytes,
    new_events = t.new_events + excluded.new_events,
    known_events = t.known_events + excluded.known_events,
    refused_events = t.refused_events + excluded.refused_events,
    fresh_until = excluded.fresh_until,
    is_caught_up = excluded.is_caught_up
