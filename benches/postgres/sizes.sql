WITH tree AS (
    SELECT r.name, p.relid
    FROM (VALUES ('event'), ('event_relay'), ('event_standing'), ('event_expiration'), ('deleted_id'),
        ('deleted_address'), ('arrival'), ('event_change')) AS r (name)
    CROSS JOIN LATERAL (
        SELECT p.relid FROM pg_partition_tree(r.name::REGCLASS) p WHERE p.isleaf
        UNION SELECT r.name::REGCLASS) AS p
), size AS (
    SELECT t.name, sum(pg_table_size(t.relid))::BIGINT AS rows_size, sum(pg_indexes_size(t.relid))::BIGINT AS index_size
    FROM tree t GROUP BY t.name
), index AS (
    SELECT regexp_replace(c.relname, '.*_(\d{4}q\d|past|future)_', '') AS name, sum(pg_relation_size(c.oid))::BIGINT AS size
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    JOIN tree t ON t.relid = i.indrelid AND t.name = 'event'
    GROUP BY 1
), number AS (
    SELECT (SELECT count(*) FROM event) AS events, (SELECT count(*) FROM event_relay) AS sightings
)
SELECT 'event: rows', n.events, s.rows_size FROM size s, number n WHERE s.name = 'event'
UNION ALL SELECT 'event: indexes', n.events, s.index_size FROM size s, number n WHERE s.name = 'event'
UNION ALL (SELECT '  ' || i.name, n.events, i.size FROM index i, number n WHERE i.size > 0 ORDER BY 1)
UNION ALL SELECT 'standing, expirations and deletions', n.events, sum(s.rows_size + s.index_size)::BIGINT
    FROM size s, number n WHERE s.name IN ('event_standing', 'event_expiration', 'deleted_id', 'deleted_address') GROUP BY 2
UNION ALL SELECT 'event_relay: rows and index', n.sightings, s.rows_size + s.index_size
    FROM size s, number n WHERE s.name = 'event_relay'
UNION ALL SELECT 'arrival, kept for a week', n.events, s.rows_size + s.index_size FROM size s, number n WHERE s.name = 'arrival'
UNION ALL SELECT 'event_change, until it is folded', n.sightings, s.rows_size + s.index_size
    FROM size s, number n WHERE s.name = 'event_change'
