-- Adds what fold_sighting and fold_step sum up to the counters of authors on relays, and notes in fold_author by how
-- many authors each relay has more or less.
--
-- Caller: statistics_fold_sightings, which drops the temporary table. Index: primary key of author_relay_counter.
CREATE OR REPLACE FUNCTION statistics_fold_authors() RETURNS VOID
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp
SET enable_nestloop = off SET work_mem = '64MB' SET jit = off
AS $$
BEGIN
    CREATE TEMPORARY TABLE fold_author (relay_id INTEGER, step BIGINT) ON COMMIT DROP;
    CREATE TEMPORARY TABLE fold_pair ON COMMIT DROP AS
    SELECT f.author_id, f.relay_id, sum(f.events) AS events, sum(f.kinds) AS kinds,
        min(f.first_created_at) AS first_created_at, max(f.last_created_at) AS last_created_at,
        min(f.first_removed_at) AS first_removed_at, max(f.last_removed_at) AS last_removed_at
    FROM (
        SELECT f.author_id, f.relay_id, f.events, 0 AS kinds,
            f.first_created_at, f.last_created_at, f.first_removed_at, f.last_removed_at
        FROM pg_temp.fold_sighting f
        UNION ALL
        SELECT s.author_id, s.relay_id, 0, s.step, NULL, NULL, NULL, NULL FROM pg_temp.fold_step s
    ) AS f
    GROUP BY f.author_id, f.relay_id;

    WITH stored AS (
        INSERT INTO author_relay_counter AS c
            (author_id, relay_id, events, kinds, first_created_at, last_created_at)
        SELECT f.author_id, f.relay_id, f.events, f.kinds, f.first_created_at, f.last_created_at
        FROM pg_temp.fold_pair f
        WHERE f.events > 0
        ORDER BY f.author_id, f.relay_id
        ON CONFLICT (author_id, relay_id) DO UPDATE
            SET events = c.events + excluded.events, kinds = c.kinds + excluded.kinds,
                first_created_at = least(c.first_created_at, excluded.first_created_at),
                last_created_at = greatest(c.last_created_at, excluded.last_created_at)
        RETURNING relay_id, xmax = 0 AS is_new
    )
    INSERT INTO pg_temp.fold_author
    SELECT s.relay_id, count(*) FROM stored s WHERE s.is_new GROUP BY s.relay_id;
    IF EXISTS (SELECT FROM pg_temp.fold_pair f WHERE f.first_removed_at IS NOT NULL) THEN
        ANALYZE pg_temp.fold_pair;
        PERFORM statistics_shrink_authors();
    END IF;
    DROP TABLE pg_temp.fold_pair;
END
$$;
