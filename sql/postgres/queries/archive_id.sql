/*
 * Purpose:    What tells this database from every other.
 * Parameters: none
 * Result:     the server's number, that of the database
 * Caller:     PostgresStore::archive_id
 * Index:      none
 */
SELECT (SELECT system_identifier FROM pg_control_system()) || '-' || (SELECT oid FROM pg_database WHERE datname = current_database())
