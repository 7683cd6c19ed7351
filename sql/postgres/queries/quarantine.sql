/*
 * Purpose:    Put events into quarantine.
 * Parameters: $1 ids
 *             $2 events, null where there is none
 *             $3 relay_ids, null where there is none
 *             $4 reasons
 *             $5 moments; together one row each, no id twice
 * Result:     affected rows = events that were not there
 * Caller:     QuarantineStore::quarantine
 * Index:      primary key of quarantine
 */
INSERT INTO quarantine (id, event, relay_id, reason, quarantined_at)
SELECT new.id, new.event, new.relay_id, new.reason, new.quarantined_at
FROM unnest($1::bytea[], $2::bytea[], $3::integer[], $4::text[], $5::bigint[])
    AS new (id, event, relay_id, reason, quarantined_at)
ORDER BY new.id
ON CONFLICT (id) DO NOTHING
