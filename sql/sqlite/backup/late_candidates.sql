/*
 * Purpose:    A URL is a candidate or a relay: those that became relays since the copy are candidates no more.
 * Parameters: none
 * Result:     number of candidates
 * Caller:     SqliteStore::add_late_relays
 */
DELETE FROM candidate
WHERE url IN (SELECT relay.url FROM relay)
