/*
 * Purpose:    Store a batch of events and sightings.
 * Parameters: those of event_write
 * Result:     those of event_write
 * Caller:     EventStore::write
 * Index:      those of event_write
 */
SELECT w.fates, w.new_sightings, w.batch
FROM event_write($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19) AS w
