/*
 * Purpose:    Note down how this archive reads events, where it differs.
 * Parameters: $1 the kinds kept whole, or NULL
 *             $2 the URLs of our own relay
 * Result:     none
 * Caller:     PostgresStore::open
 * Index:      none: event_setting has one row
 */
UPDATE event_setting s SET whole_kinds = $1, own_relay_urls = $2
WHERE s.whole_kinds IS DISTINCT FROM $1 OR s.own_relay_urls <> $2
