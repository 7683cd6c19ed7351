/*
 * Purpose:    Whether this role writes events, or only reads them.
 * Parameters: none
 * Result:     may_write
 * Caller:     PostgresStore::open
 * Index:      none
 */
SELECT has_table_privilege('event_setting', 'UPDATE') AS may_write
