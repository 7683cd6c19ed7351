-- Adds what fold_event sums up to the counters of kinds, days and authors.
--
-- A row that was inserted by ON CONFLICT has no xmax; one that was updated carries the lock of this transaction there.
-- That, and a count of zero, tells which kinds and authors are new or gone for another one without a second look-up.
--
-- Caller: statistics_fold. Indexes: primary keys; event_by_author after a removal.
CREATE OR REPLACE FUNCTION statistics_fold_events() RETURNS VOID
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp
SET enable_nestloop = off SET work_mem = '64MB' SET jit = off
AS $$
BEGIN
    WITH stored AS (
        INSERT INTO author_kind_counter AS c (author_id, kind, events)
        SELECT f.author_id, f.kind, sum(f.events)
        FROM pg_temp.fold_event f
        GROUP BY f.author_id, f.kind
        HAVING sum(f.events) <> 0
        ORDER BY f.author_id, f.kind
        ON CONFLICT (author_id, kind) DO UPDATE SET events = c.events + excluded.events
        RETURNING author_id, kind, events, xmax = 0 AS is_new
    ), step AS (
        SELECT s.author_id, s.kind, CASE WHEN s.is_new THEN 1 ELSE -1 END AS step
        FROM stored s
        WHERE s.is_new OR s.events = 0
    ), author AS (
        UPDATE author_counter a
        SET events = a.events + d.events, kinds = a.kinds + d.kinds,
            first_created_at = least(a.first_created_at, d.first_created_at),
            last_created_at = greatest(a.last_created_at, d.last_created_at)
        FROM (
            SELECT f.author_id, f.events, f.first_created_at, f.last_created_at,
                coalesce(s.kinds, 0) AS kinds
            FROM (
                SELECT f.author_id, sum(f.events) AS events, min(f.first_created_at) AS first_created_at,
                    max(f.last_created_at) AS last_created_at
                FROM pg_temp.fold_event f GROUP BY f.author_id
            ) AS f
            LEFT JOIN (SELECT s.author_id, sum(s.step) AS kinds FROM step s GROUP BY s.author_id) AS s
                ON s.author_id = f.author_id
        ) AS d
        WHERE a.author_id = d.author_id
    )
    INSERT INTO kind_counter AS k (kind, events, authors)
    SELECT f.kind, f.events, coalesce(s.authors, 0)
    FROM (SELECT f.kind, sum(f.events) AS events FROM pg_temp.fold_event f GROUP BY f.kind) AS f
    LEFT JOIN (SELECT s.kind, sum(s.step) AS authors FROM step s GROUP BY s.kind) AS s ON s.kind = f.kind
    ORDER BY f.kind
    ON CONFLICT (kind) DO UPDATE
        SET events = k.events + excluded.events, authors = k.authors + excluded.authors;

    WITH kind AS (
        INSERT INTO day_kind_counter AS c (day, kind, events)
        SELECT f.day, f.kind, sum(f.events)
        FROM pg_temp.fold_event f
        GROUP BY f.day, f.kind
        HAVING sum(f.events) <> 0
        ORDER BY f.day, f.kind
        ON CONFLICT (day, kind) DO UPDATE SET events = c.events + excluded.events
        RETURNING day, events, xmax = 0 AS is_new
    ), author AS (
        INSERT INTO day_author_counter AS c (day, author_id, events)
        SELECT f.day, f.author_id, sum(f.events)
        FROM pg_temp.fold_event f
        GROUP BY f.day, f.author_id
        HAVING sum(f.events) <> 0
        ORDER BY f.day, f.author_id
        ON CONFLICT (day, author_id) DO UPDATE SET events = c.events + excluded.events
        RETURNING day, events, xmax = 0 AS is_new
    )
    INSERT INTO day_counter AS c (day, events, authors, kinds)
    SELECT s.day, sum(s.events), sum(s.authors), sum(s.kinds)
    FROM (
        SELECT f.day, f.events, 0 AS authors, 0 AS kinds FROM pg_temp.fold_event f
        UNION ALL
        SELECT k.day, 0, 0, CASE WHEN k.is_new THEN 1 ELSE -1 END FROM kind k WHERE k.is_new OR k.events = 0
        UNION ALL
        SELECT a.day, 0, CASE WHEN a.is_new THEN 1 ELSE -1 END, 0 FROM author a WHERE a.is_new OR a.events = 0
    ) AS s
    GROUP BY s.day
    ORDER BY s.day
    ON CONFLICT (day) DO UPDATE
        SET events = c.events + excluded.events, authors = c.authors + excluded.authors,
            kinds = c.kinds + excluded.kinds;

    IF EXISTS (SELECT FROM pg_temp.fold_event f WHERE f.first_removed_at IS NOT NULL) THEN
        PERFORM statistics_shrink_events();
    END IF;
END
$$;
