-- Counts everything anew from what is stored, for repair. It reads all events and sightings, so it takes minutes for
-- millions of them; folders do nothing meanwhile, and writers are not held up. By hand:
--
--   BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT statistics_reconcile(); COMMIT;
--
-- One snapshot, so that what is counted and the changes that are dropped as counted are the same.
--
-- Only an owner may empty tables, and the writer is a service that repairs: SECURITY DEFINER.
--
-- Callers: reconcile_statistics, people.
CREATE OR REPLACE FUNCTION statistics_reconcile() RETURNS VOID
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp SET work_mem = '256MB'
AS $$
BEGIN
    IF current_setting('transaction_isolation') NOT IN ('repeatable read', 'serializable') THEN
        RAISE EXCEPTION 'counters are made anew from one snapshot'
            USING HINT = 'BEGIN ISOLATION LEVEL REPEATABLE READ first';
    END IF;
    PERFORM FROM statistics_head FOR UPDATE;
    DELETE FROM event_change;
    TRUNCATE kind_counter, day_counter, day_kind_counter, day_author_counter, author_counter, author_kind_counter,
        author_relay_kind_counter, author_relay_counter, relay_counter, relay_kind_counter, network_counter, network_kind_counter,
        author_network_counter RESTART IDENTITY;

    INSERT INTO author_counter (pubkey, events, kinds, first_created_at, last_created_at)
    SELECT e.pubkey, count(*), count(DISTINCT e.kind), min(e.eid) >> 30, max(e.eid) >> 30
    FROM event e GROUP BY e.pubkey;
    ANALYZE author_counter;
    INSERT INTO author_kind_counter (author_id, kind, events)
    SELECT a.author_id, e.kind, count(*)
    FROM event e JOIN author_counter a ON a.pubkey = e.pubkey GROUP BY a.author_id, e.kind;
    INSERT INTO kind_counter (kind, events, authors)
    SELECT c.kind, sum(c.events), count(*) FROM author_kind_counter c GROUP BY c.kind;
    INSERT INTO day_author_counter (day, author_id, events)
    SELECT (e.eid >> 30) / 86400, a.author_id, count(*)
    FROM event e JOIN author_counter a ON a.pubkey = e.pubkey GROUP BY 1, 2;
    INSERT INTO day_kind_counter (day, kind, events)
    SELECT (e.eid >> 30) / 86400, e.kind, count(*) FROM event e GROUP BY 1, 2;
    INSERT INTO day_counter (day, events, authors, kinds)
    SELECT d.day, d.events, d.authors, k.kinds
    FROM (SELECT c.day, sum(c.events) AS events, count(*) AS authors FROM day_author_counter c GROUP BY c.day) AS d
    JOIN (SELECT c.day, count(*) AS kinds FROM day_kind_counter c GROUP BY c.day) AS k ON k.day = d.day;

    INSERT INTO author_relay_kind_counter (author_id, relay_id, kind, events)
    SELECT a.author_id, r.relay_id, e.kind, count(*)
    FROM event_relay r
    JOIN event e ON e.eid = r.eid
    JOIN author_counter a ON a.pubkey = e.pubkey
    GROUP BY a.author_id, r.relay_id, e.kind;
    INSERT INTO author_relay_counter (author_id, relay_id, events, kinds, first_created_at, last_created_at)
    SELECT a.author_id, r.relay_id, count(*), count(DISTINCT e.kind), min(e.eid) >> 30, max(e.eid) >> 30
    FROM event_relay r
    JOIN event e ON e.eid = r.eid
    JOIN author_counter a ON a.pubkey = e.pubkey
    GROUP BY a.author_id, r.relay_id;
    INSERT INTO relay_kind_counter (relay_id, kind, events, authors)
    SELECT c.relay_id, c.kind, sum(c.events), count(*)
    FROM author_relay_kind_counter c GROUP BY c.relay_id, c.kind;
    INSERT INTO relay_counter (relay_id, network, events, authors, kinds, first_created_at, last_created_at)
    SELECT c.relay_id, coalesce(r.network, 'unknown'), sum(c.events), count(*),
        (SELECT count(*) FROM relay_kind_counter k WHERE k.relay_id = c.relay_id),
        min(c.first_created_at), max(c.last_created_at)
    FROM author_relay_counter c LEFT JOIN relay r ON r.relay_id = c.relay_id
    GROUP BY c.relay_id, r.network;
    INSERT INTO network_kind_counter (network, kind, sightings)
    SELECT r.network, c.kind, sum(c.events)
    FROM relay_kind_counter c JOIN relay_counter r ON r.relay_id = c.relay_id GROUP BY r.network, c.kind;
    INSERT INTO author_network_counter (author_id, network, sightings)
    SELECT c.author_id, r.network, sum(c.events)
    FROM author_relay_counter c JOIN relay_counter r ON r.relay_id = c.relay_id
    GROUP BY c.author_id, r.network;
    INSERT INTO network_counter (network, events, authors, kinds)
    SELECT e.network, e.events,
        (SELECT count(*) FROM author_network_counter c WHERE c.network = e.network),
        (SELECT count(*) FROM network_kind_counter c WHERE c.network = e.network)
    FROM (
        SELECT n.network, count(DISTINCT r.eid) AS events
        FROM event_relay r
        JOIN relay_counter n ON n.relay_id = r.relay_id
        WHERE EXISTS (SELECT FROM event e WHERE e.eid = r.eid)
        GROUP BY n.network
    ) AS e;
    UPDATE statistics_head h
    SET change = (SELECT a.change FROM arrival_head a), authors = (SELECT count(*) FROM author_counter);
END
$$;
