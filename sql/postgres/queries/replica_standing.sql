/*
 * Purpose:    What a server says of itself that is to be a replica: what tells its database from every other, whether it
 *             follows another server, and how far it has come.
 * Parameters: none
 * Result:     archive, as archive_id has it; is_replica; newest, the last batch of arrivals
 * Caller:     Replica::newest_batch
 * Index:      none: arrival_head has one row
 */
SELECT
    (SELECT system_identifier FROM pg_control_system())
    || '-' || (SELECT oid FROM pg_database WHERE datname = current_database()) AS archive,
    pg_is_in_recovery() AS is_replica,
    h.batch AS newest
FROM arrival_head h
