-- Compares counters with what is stored, in one snapshot: the sums with what commits noted, and the counters of some
-- authors with their events. Compares nothing while there are changes to fold.
--
-- Parameters: the public key after which authors are taken, and how many of their events are read, about. Result: how
-- many authors were compared, and how many counters were wrong, an author's all being one,
-- and the last author. Caller: check_statistics.
-- Indexes: unique pubkey of author_counter, event_by_author, primary keys of event_relay and author_relay_counter.
CREATE OR REPLACE FUNCTION statistics_check(
    after BYTEA, max_events INTEGER, OUT authors BIGINT, OUT wrong BIGINT, OUT last BYTEA
)
LANGUAGE sql STABLE SECURITY INVOKER
SET search_path = public, pg_temp SET jit = off
AS $$
    WITH up_to_date AS MATERIALIZED (
        SELECT WHERE NOT EXISTS (SELECT FROM event_change)
    ), chosen AS MATERIALIZED (
        SELECT a.author_id, a.pubkey, a.events, a.kinds, a.first_created_at, a.last_created_at
        FROM up_to_date
        CROSS JOIN (
            SELECT a.*, sum(a.events) OVER (ORDER BY a.pubkey) - a.events AS before
            FROM (
                SELECT a.author_id, a.pubkey, a.events, a.kinds, a.first_created_at, a.last_created_at
                FROM author_counter a WHERE a.pubkey > after ORDER BY a.pubkey LIMIT 1000
            ) AS a
        ) AS a
        WHERE a.before < max_events
    ), written AS MATERIALIZED (
        SELECT c.author_id, e.eid, e.kind
        FROM chosen c
        CROSS JOIN LATERAL (SELECT e.eid, e.kind FROM event e WHERE e.pubkey = c.pubkey OFFSET 0) AS e
    ), stored AS (
        SELECT w.author_id, count(*) AS events, count(DISTINCT w.kind) AS kinds,
            min(w.eid) >> 30 AS first_created_at, max(w.eid) >> 30 AS last_created_at
        FROM written w GROUP BY w.author_id
    ), seen AS (
        SELECT w.author_id, r.relay_id, count(*) AS events, count(DISTINCT w.kind) AS kinds,
            min(w.eid) >> 30 AS first_created_at, max(w.eid) >> 30 AS last_created_at
        FROM written w
        CROSS JOIN LATERAL (SELECT r.relay_id FROM event_relay r WHERE r.eid = w.eid OFFSET 0) AS r
        GROUP BY w.author_id, r.relay_id
    ), pair AS (
        SELECT p.author_id, p.relay_id, p.events, p.kinds, p.first_created_at, p.last_created_at
        FROM chosen c
        CROSS JOIN LATERAL (SELECT p.* FROM author_relay_counter p WHERE p.author_id = c.author_id OFFSET 0) AS p
    ), wrong_author AS (
        SELECT c.author_id
        FROM chosen c LEFT JOIN stored s ON s.author_id = c.author_id
        WHERE (c.events, c.kinds, c.first_created_at, c.last_created_at)
            IS DISTINCT FROM (s.events, s.kinds, s.first_created_at, s.last_created_at)
        UNION
        SELECT coalesce(p.author_id, s.author_id)
        FROM pair p FULL JOIN seen s ON s.author_id = p.author_id AND s.relay_id = p.relay_id
        WHERE (p.events, p.kinds, p.first_created_at, p.last_created_at)
            IS DISTINCT FROM (s.events, s.kinds, s.first_created_at, s.last_created_at)
    ), wrong_kind AS (
        SELECT coalesce(n.kind, k.kind)
        FROM (SELECT n.kind, n.events FROM event_count n WHERE n.events <> 0) AS n
        FULL JOIN kind_counter k ON k.kind = n.kind
        WHERE n.events IS DISTINCT FROM k.events
    ), wrong_relays AS (
        SELECT FROM arrival_head h
        WHERE h.sightings <> (SELECT coalesce(sum(c.events), 0) FROM relay_counter c)
    )
    SELECT (SELECT count(*) FROM chosen),
        (SELECT count(*) FROM wrong_author) + (
            SELECT (SELECT count(*) FROM wrong_kind) + (SELECT count(*) FROM wrong_relays) FROM up_to_date
            UNION ALL SELECT 0 ORDER BY 1 DESC LIMIT 1
        ),
        (SELECT c.pubkey FROM chosen c ORDER BY c.pubkey DESC LIMIT 1)
$$;
