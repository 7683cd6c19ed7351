/*
 * Purpose:    Makes the partitions of the quarters that begin within half a year.
 * Result:     added, how many quarters
 * Caller:     opening the store
 */
SELECT event_partitions_extend() AS added
