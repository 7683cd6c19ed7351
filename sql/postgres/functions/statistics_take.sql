-- Sums up what the changes up to one did, in two temporary tables: fold_event by author, kind and day,
-- fold_sighting by author, relay and kind. Numbers new authors.
--
-- A removal tells what the event was; so whose an event is, is known from the first removal that is still to be
-- counted, or else from the event itself. Both are read in one snapshot: between two, the event might go.
--
-- Parameters: the last change. Result: how many authors are new. Caller: statistics_fold. Indexes: primary keys of event_change and event, unique
-- pubkey of author_counter.
CREATE OR REPLACE FUNCTION statistics_take(until BIGINT) RETURNS BIGINT
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp
-- Look-ups are written as laterals; everything else is two sets of the same size.
SET enable_nestloop = off SET work_mem = '64MB' SET jit = off
AS $$
DECLARE
    new_authors BIGINT;
BEGIN
    CREATE TEMPORARY TABLE fold_fact (
        eid BIGINT, relay_id INTEGER, sign INTEGER, kind INTEGER, pubkey BYTEA
    ) ON COMMIT DROP;
    CREATE TEMPORARY TABLE fold_event (
        author_id INTEGER, kind INTEGER, day INTEGER, events BIGINT,
        first_created_at BIGINT, last_created_at BIGINT, first_removed_at BIGINT, last_removed_at BIGINT
    ) ON COMMIT DROP;
    CREATE TEMPORARY TABLE fold_sighting (
        author_id INTEGER, relay_id INTEGER, kind INTEGER, events BIGINT,
        first_created_at BIGINT, last_created_at BIGINT, first_removed_at BIGINT, last_removed_at BIGINT
    ) ON COMMIT DROP;

    INSERT INTO pg_temp.fold_fact
    WITH removal AS MATERIALIZED (
        SELECT u.eid, u.kind, u.pubkey, c.change AS until,
            lag(c.change, 1, -1::BIGINT) OVER (PARTITION BY u.eid ORDER BY c.change) AS after
        FROM event_change c
        CROSS JOIN LATERAL unnest(c.removed, c.removed_kinds, c.removed_pubkeys) AS u (eid, kind, pubkey)
        WHERE cardinality(c.removed) > 0
    ), fact AS MATERIALIZED (
        SELECT c.change, u.eid, NULL::INTEGER AS relay_id, 1 AS sign
        FROM event_change c CROSS JOIN LATERAL unnest(c.stored) AS u (eid)
        WHERE c.change <= until
        UNION ALL
        SELECT c.change, u.eid, u.relay_id, 1
        FROM event_change c CROSS JOIN LATERAL unnest(c.sighted, c.sighted_relays) AS u (eid, relay_id)
        WHERE c.change <= until
        UNION ALL
        SELECT c.change, u.eid, NULL, -1
        FROM event_change c CROSS JOIN LATERAL unnest(c.removed) AS u (eid)
        WHERE c.change <= until
        UNION ALL
        SELECT c.change, u.eid, u.relay_id, -1
        FROM event_change c CROSS JOIN LATERAL unnest(c.unsighted, c.unsighted_relays) AS u (eid, relay_id)
        WHERE c.change <= until
    ), present AS MATERIALIZED (
        SELECT f.eid, e.kind, e.pubkey
        FROM (SELECT DISTINCT f.eid FROM fact f ORDER BY f.eid) AS f
        CROSS JOIN LATERAL (SELECT e.kind, e.pubkey FROM event e WHERE e.eid = f.eid OFFSET 0) AS e
    )
    SELECT f.eid, f.relay_id, f.sign, coalesce(r.kind, p.kind), coalesce(r.pubkey, p.pubkey)
    FROM fact f
    LEFT JOIN removal r ON r.eid = f.eid AND f.change > r.after AND f.change <= r.until
    LEFT JOIN present p ON p.eid = f.eid
    -- What was neither stored nor removed by any commit is nobody's.
    WHERE r.kind IS NOT NULL OR p.kind IS NOT NULL;

    INSERT INTO author_counter (pubkey, events, kinds, first_created_at, last_created_at)
    SELECT f.pubkey, 0, 0, 9223372036854775807, 0
    FROM (SELECT DISTINCT f.pubkey FROM pg_temp.fold_fact f) AS f
    LEFT JOIN LATERAL (
        SELECT a.author_id FROM author_counter a WHERE a.pubkey = f.pubkey OFFSET 0
    ) AS a ON true
    WHERE a.author_id IS NULL;
    GET DIAGNOSTICS new_authors = ROW_COUNT;

    WITH author AS MATERIALIZED (
        SELECT f.pubkey, a.author_id
        FROM (SELECT DISTINCT f.pubkey FROM pg_temp.fold_fact f) AS f
        CROSS JOIN LATERAL (
            SELECT a.author_id FROM author_counter a WHERE a.pubkey = f.pubkey OFFSET 0
        ) AS a
    ), fact AS (
        SELECT a.author_id, f.kind, f.relay_id, f.eid >> 30 AS created_at, f.sign
        FROM pg_temp.fold_fact f JOIN author a ON a.pubkey = f.pubkey
    ), sighting AS (
        INSERT INTO pg_temp.fold_sighting
        SELECT f.author_id, f.relay_id, f.kind, sum(f.sign),
            min(f.created_at) FILTER (WHERE f.sign > 0), max(f.created_at) FILTER (WHERE f.sign > 0),
            min(f.created_at) FILTER (WHERE f.sign < 0), max(f.created_at) FILTER (WHERE f.sign < 0)
        FROM fact f
        WHERE f.relay_id IS NOT NULL
        GROUP BY f.author_id, f.relay_id, f.kind
    )
    INSERT INTO pg_temp.fold_event
    SELECT f.author_id, f.kind, f.created_at / 86400, sum(f.sign),
        min(f.created_at) FILTER (WHERE f.sign > 0), max(f.created_at) FILTER (WHERE f.sign > 0),
        min(f.created_at) FILTER (WHERE f.sign < 0), max(f.created_at) FILTER (WHERE f.sign < 0)
    FROM fact f
    WHERE f.relay_id IS NULL
    GROUP BY f.author_id, f.kind, f.created_at / 86400;
    DROP TABLE pg_temp.fold_fact;
    ANALYZE pg_temp.fold_event, pg_temp.fold_sighting;
    RETURN new_authors;
END
$$;
