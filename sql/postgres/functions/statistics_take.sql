-- Sums up what the changes up to one did, in two temporary tables: fold_event by author, kind and day,
-- fold_sighting by author, relay and kind. Numbers new authors. fold_subject says whose events are meant, and which
-- of them were stored just now.
--
-- Parameters: the last change. Result: how many authors are new. Caller: statistics_fold. Indexes: primary key of
-- event_change, unique pubkey of author_counter.
CREATE OR REPLACE FUNCTION statistics_take(until BIGINT) RETURNS BIGINT
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp
-- Look-ups are written as laterals; everything else is two sets of the same size.
SET enable_nestloop = off SET work_mem = '64MB' SET jit = off
AS $$
DECLARE
    new_authors BIGINT;
BEGIN
    CREATE TEMPORARY TABLE fold_event (
        author_id INTEGER, kind INTEGER, day INTEGER, events BIGINT,
        first_created_at BIGINT, last_created_at BIGINT, first_removed_at BIGINT, last_removed_at BIGINT
    ) ON COMMIT DROP;
    CREATE TEMPORARY TABLE fold_sighting (
        author_id INTEGER, relay_id INTEGER, kind INTEGER, events BIGINT,
        first_created_at BIGINT, last_created_at BIGINT, first_removed_at BIGINT, last_removed_at BIGINT
    ) ON COMMIT DROP;
    PERFORM statistics_subjects(until);

    INSERT INTO author_counter (pubkey, events, kinds, first_created_at, last_created_at)
    SELECT o.pubkey, 0, 0, 9223372036854775807, 0
    FROM (SELECT DISTINCT o.pubkey FROM pg_temp.fold_owner o) AS o
    LEFT JOIN LATERAL (
        SELECT a.author_id FROM author_counter a WHERE a.pubkey = o.pubkey OFFSET 0
    ) AS a ON true
    WHERE a.author_id IS NULL;
    GET DIAGNOSTICS new_authors = ROW_COUNT;
    CREATE TEMPORARY TABLE fold_subject ON COMMIT DROP AS
    SELECT o.eid, o.from_change, o.to_change, o.kind, o.is_new, a.author_id
    FROM pg_temp.fold_owner o
    JOIN (
        SELECT o.pubkey, a.author_id
        FROM (SELECT DISTINCT o.pubkey FROM pg_temp.fold_owner o) AS o
        CROSS JOIN LATERAL (
            SELECT a.author_id FROM author_counter a WHERE a.pubkey = o.pubkey OFFSET 0
        ) AS a
    ) AS a ON a.pubkey = o.pubkey;
    DROP TABLE pg_temp.fold_owner;
    ANALYZE pg_temp.fold_subject;

    INSERT INTO pg_temp.fold_sighting
    SELECT s.author_id, f.relay_id, s.kind, sum(f.sign),
        min(f.eid >> 30) FILTER (WHERE f.sign > 0), max(f.eid >> 30) FILTER (WHERE f.sign > 0),
        min(f.eid >> 30) FILTER (WHERE f.sign < 0), max(f.eid >> 30) FILTER (WHERE f.sign < 0)
    FROM event_fact f
    JOIN pg_temp.fold_subject s ON s.eid = f.eid AND f.change > s.from_change AND f.change <= s.to_change
    WHERE f.change <= until AND f.relay_id IS NOT NULL
    GROUP BY s.author_id, f.relay_id, s.kind;
    INSERT INTO pg_temp.fold_event
    SELECT s.author_id, s.kind, (f.eid >> 30) / 86400, sum(f.sign),
        min(f.eid >> 30) FILTER (WHERE f.sign > 0), max(f.eid >> 30) FILTER (WHERE f.sign > 0),
        min(f.eid >> 30) FILTER (WHERE f.sign < 0), max(f.eid >> 30) FILTER (WHERE f.sign < 0)
    FROM event_fact f
    JOIN pg_temp.fold_subject s ON s.eid = f.eid AND f.change > s.from_change AND f.change <= s.to_change
    WHERE f.change <= until AND f.relay_id IS NULL
    GROUP BY s.author_id, s.kind, (f.eid >> 30) / 86400;
    ANALYZE pg_temp.fold_event, pg_temp.fold_sighting;
    RETURN new_authors;
END
$$;
