/*
 * Purpose:    Make the database that was copied readable beside the copy.
 * Parameters: $1 its file
 * Result:     nothing
 * Caller:     SqliteStore::add_late_relays
 */
ATTACH DATABASE $1 AS live
