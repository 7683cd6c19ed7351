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
        SELECT pages.page_count * size.page_size
        FROM pragma_page_count AS pages, pragma_page_size AS size
    ) AS size_bytes
