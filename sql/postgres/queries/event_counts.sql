/*
 * Purpose:    Stored events by kind.
 * Result:     kind and events, by kind
 * Caller:     event_statistics. Reads event_count whole, a row a kind
 */
SELECT c.kind, c.events FROM event_count c WHERE c.events > 0 ORDER BY c.kind
