/*
 * Purpose:    Count the rows of every noun.
 * Parameters: none
 * Result:     one row
 * Caller:     StatisticsStore::totals
 * Index:      reads the smallest index of each table whole
 */
SELECT
    (SELECT count(*) FROM candidate) AS candidates,
    (SELECT count(*) FROM candidate_tombstone) AS tombstones,
    (SELECT count(*) FROM relay) AS relays,
    (SELECT count(*) FROM metadata) AS metadata,
    (SELECT count(*) FROM relay_metadata) AS relay_metadata,
    (SELECT count(*) FROM relay_rtt) AS rtt_samples,
    (SELECT count(DISTINCT relay_id) FROM coverage) AS covered_relays,
    (SELECT count(*) FROM coverage) AS intervals,
    (SELECT count(*) FROM gap) AS gaps,
    (SELECT count(DISTINCT relay_id) FROM gap) AS gap_relays,
    (
        SELECT sum(pg_total_relation_size(name::regclass))::bigint
        FROM unnest(ARRAY[
            'relay', 'candidate', 'candidate_tombstone', 'metadata', 'relay_metadata', 'relay_rtt',
            'coverage', 'gap', 'service_state', 'cycle'
        ]) AS name
    ) AS size_bytes
