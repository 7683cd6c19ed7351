/*
 * Purpose:    Sightings, bytes on disk and the ends of the time line.
 * Parameters: none
 * Result:     sightings; size_bytes of all tables of events; oldest and newest key,
 *             NULL when nothing is stored
 * Caller:     EventStore::event_statistics
 * Index:      primary key of event, one row from each end
 */
SELECT h.sightings,
    (SELECT sum(pg_total_relation_size(t.relid))::BIGINT
        FROM (VALUES ('event'), ('event_relay'), ('event_standing'), ('event_expiration'), ('deleted_id'),
            ('deleted_address'), ('vanish_request'), ('arrival'), ('event_change'), ('event_count')) AS r (name)
        CROSS JOIN LATERAL (
            SELECT p.relid FROM pg_partition_tree(r.name::REGCLASS) AS p WHERE p.isleaf
            UNION SELECT r.name::REGCLASS
        ) AS t) AS size_bytes,
    (SELECT e.eid FROM event e ORDER BY e.eid LIMIT 1) AS oldest,
    (SELECT e.eid FROM event e ORDER BY e.eid DESC LIMIT 1) AS newest
FROM arrival_head h
