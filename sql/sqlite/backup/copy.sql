/*
 * Purpose:    Write the database into a new file, as of one moment, while others go on writing.
 * Parameters: $1 the new file
 * Result:     nothing
 * Caller:     SqliteStore::copy
 */
VACUUM INTO $1
