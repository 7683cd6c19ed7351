/*
 * Purpose:    Stored events by kind.
 * Parameters: none
 * Result:     kind and events, by kind
 * Caller:     EventStore::event_statistics
 * Index:      none: reads event_count whole, a row a kind
 */
SELECT c.kind, c.events FROM event_count c WHERE c.events > 0 ORDER BY c.kind
