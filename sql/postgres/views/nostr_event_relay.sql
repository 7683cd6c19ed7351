/*
 * Purpose:    Where events were seen, in the seed's shape.
 * Result:     event_id, relay_url, seen_at; and eid
 * Caller:     people
 * Index:      primary keys of event_relay, event and relay
 */
CREATE OR REPLACE VIEW nostr.event_relay AS
SELECT e.id AS event_id, l.url AS relay_url, r.seen_at + 1577836800::bigint AS seen_at, r.eid
FROM public.event_relay AS r
JOIN public.event AS e ON e.eid = r.eid
JOIN public.relay AS l ON l.relay_id = r.relay_id;
COMMENT ON VIEW nostr.event_relay IS 'The oldest sighting of each event on each relay; seen_at is unix seconds';
