-- Adds what fold_sighting sums up to the counters of relays, networks and authors on relays.
--
-- Parameters: the last change. Caller: statistics_fold. Indexes: primary keys.
CREATE OR REPLACE FUNCTION statistics_fold_sightings(until BIGINT) RETURNS VOID
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp
SET enable_nestloop = off SET work_mem = '64MB' SET jit = off
AS $$
DECLARE
    has_removal BOOLEAN := EXISTS (SELECT FROM pg_temp.fold_sighting f WHERE f.first_removed_at IS NOT NULL);
BEGIN
    INSERT INTO relay_counter (relay_id, network, events, authors, kinds)
    SELECT f.relay_id, coalesce(r.network, 'unknown'), 0, 0, 0
    FROM (SELECT DISTINCT f.relay_id FROM pg_temp.fold_sighting f) AS f
    LEFT JOIN relay r ON r.relay_id = f.relay_id
    ORDER BY f.relay_id
    ON CONFLICT DO NOTHING;
    PERFORM statistics_fold_networks(until);

    -- Kinds that are new (1) or gone (-1) for an author on a relay.
    CREATE TEMPORARY TABLE fold_step (
        author_id INTEGER, relay_id INTEGER, kind INTEGER, step INTEGER
    ) ON COMMIT DROP;
    WITH stored AS (
        INSERT INTO author_relay_kind_counter AS c (author_id, relay_id, kind, events)
        SELECT f.author_id, f.relay_id, f.kind, f.events
        FROM pg_temp.fold_sighting f
        WHERE f.events > 0
        ORDER BY f.author_id, f.relay_id, f.kind
        ON CONFLICT (author_id, relay_id, kind) DO UPDATE SET events = c.events + excluded.events
        RETURNING author_id, relay_id, kind, xmax = 0 AS is_new
    )
    INSERT INTO pg_temp.fold_step
    SELECT s.author_id, s.relay_id, s.kind, 1 FROM stored s WHERE s.is_new;
    IF has_removal THEN
        PERFORM statistics_shrink_sightings();
    END IF;
    ANALYZE pg_temp.fold_step;
    PERFORM statistics_fold_authors();

    WITH kind AS (
        INSERT INTO relay_kind_counter AS c (relay_id, kind, events, authors)
        SELECT f.relay_id, f.kind, sum(f.events), sum(f.authors)
        FROM (
            SELECT f.relay_id, f.kind, f.events, 0 AS authors FROM pg_temp.fold_sighting f
            UNION ALL
            SELECT s.relay_id, s.kind, 0, s.step FROM pg_temp.fold_step s
        ) AS f
        GROUP BY f.relay_id, f.kind
        HAVING sum(f.events) <> 0 OR sum(f.authors) <> 0
        ORDER BY f.relay_id, f.kind
        ON CONFLICT (relay_id, kind) DO UPDATE
            SET events = c.events + excluded.events, authors = c.authors + excluded.authors
        RETURNING relay_id, events, xmax = 0 AS is_new
    )
    UPDATE relay_counter c
    SET events = c.events + d.events, authors = c.authors + d.authors, kinds = c.kinds + d.kinds,
        first_created_at = least(c.first_created_at, d.first_created_at),
        last_created_at = greatest(c.last_created_at, d.last_created_at)
    FROM (
        SELECT f.relay_id, sum(f.events) AS events, sum(f.authors) AS authors, sum(f.kinds) AS kinds,
            min(f.first_created_at) AS first_created_at, max(f.last_created_at) AS last_created_at
        FROM (
            SELECT f.relay_id, f.events, 0 AS authors, 0 AS kinds, f.first_created_at, f.last_created_at
            FROM pg_temp.fold_sighting f
            UNION ALL
            SELECT a.relay_id, 0, a.step, 0, NULL, NULL FROM pg_temp.fold_author a
            UNION ALL
            SELECT k.relay_id, 0, 0, CASE WHEN k.is_new THEN 1 ELSE -1 END, NULL, NULL
            FROM kind k WHERE k.is_new OR k.events = 0
        ) AS f
        GROUP BY f.relay_id
    ) AS d
    WHERE c.relay_id = d.relay_id;
    DROP TABLE pg_temp.fold_step, pg_temp.fold_author;
    IF has_removal THEN
        PERFORM statistics_shrink_relays();
    END IF;
END
$$;
