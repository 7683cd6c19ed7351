/*
 * Purpose:    Make the partitions of the quarters that begin within half a year.
 * Parameters: none
 * Result:     added, how many quarters
 * Caller:     PostgresStore::open
 * Index:      none
 */
SELECT event_partitions_extend() AS added
