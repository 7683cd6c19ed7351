/*
 * Purpose:    Where an event was seen.
 * Parameters: $1 its id
 * Result:     relay_id and seen_at of each relay, by relay
 * Caller:     EventStore::sightings
 * Index:      event_by_id, primary key of event_relay
 */
SELECT r.relay_id, r.seen_at
FROM event e JOIN event_relay r ON r.eid = e.eid
WHERE e.id = $1
ORDER BY r.relay_id
