-- Counts the sightings of a batch by network: different events, authors and kinds of each.
--
-- Whether an event is new to a network follows from three numbers: on how many relays of the network it is now, and by
-- how many the changes in this batch and those after it raised that. Everything is read in one snapshot.
--
-- Parameters: the last change. Caller: statistics_fold_sightings. Indexes: primary keys of event_change and
-- event_relay.
CREATE OR REPLACE FUNCTION statistics_fold_networks(until BIGINT) RETURNS VOID
LANGUAGE plpgsql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp
SET enable_nestloop = off SET work_mem = '64MB' SET jit = off
AS $$
BEGIN
    INSERT INTO network_counter (network, events, authors, kinds)
    SELECT DISTINCT r.network, 0, 0, 0
    FROM pg_temp.fold_sighting f JOIN relay_counter r ON r.relay_id = f.relay_id
    ON CONFLICT DO NOTHING;

    WITH fact AS NOT MATERIALIZED (
        SELECT c.change, u.eid, u.relay_id, 1 AS sign
        FROM event_change c CROSS JOIN LATERAL unnest(c.sighted, c.sighted_relays) AS u (eid, relay_id)
        UNION ALL
        SELECT c.change, u.eid, u.relay_id, -1
        FROM event_change c CROSS JOIN LATERAL unnest(c.unsighted, c.unsighted_relays) AS u (eid, relay_id)
    ), subject AS MATERIALIZED (
        SELECT DISTINCT f.eid FROM fact f WHERE f.change <= until
    ), changed AS MATERIALIZED (
        SELECT f.eid, r.network,
            coalesce(sum(f.sign) FILTER (WHERE f.change <= until), 0) AS now,
            coalesce(sum(f.sign) FILTER (WHERE f.change > until), 0) AS later
        FROM fact f
        JOIN subject s ON s.eid = f.eid
        JOIN relay_counter r ON r.relay_id = f.relay_id
        GROUP BY f.eid, r.network
    ), seen AS MATERIALIZED (
        SELECT r.eid, r.relay_id
        FROM (SELECT s.eid FROM subject s ORDER BY s.eid) AS s
        CROSS JOIN LATERAL (SELECT r.eid, r.relay_id FROM event_relay r WHERE r.eid = s.eid OFFSET 0) AS r
    ), present AS (
        SELECT s.eid, n.network, count(*) AS relays
        FROM seen s JOIN relay_counter n ON n.relay_id = s.relay_id
        GROUP BY s.eid, n.network
    )
    UPDATE network_counter n SET events = n.events + d.events
    FROM (
        SELECT c.network, sum((coalesce(p.relays, 0) - c.later > 0)::INTEGER
            - (coalesce(p.relays, 0) - c.later - c.now > 0)::INTEGER) AS events
        FROM changed c
        LEFT JOIN present p ON p.eid = c.eid AND p.network = c.network
        GROUP BY c.network
    ) AS d
    WHERE n.network = d.network;

    WITH kind AS (
        INSERT INTO network_kind_counter AS c (network, kind, sightings)
        SELECT r.network, f.kind, sum(f.events)
        FROM pg_temp.fold_sighting f JOIN relay_counter r ON r.relay_id = f.relay_id
        GROUP BY r.network, f.kind
        HAVING sum(f.events) <> 0
        ORDER BY r.network, f.kind
        ON CONFLICT (network, kind) DO UPDATE SET sightings = c.sightings + excluded.sightings
        RETURNING network, sightings, xmax = 0 AS is_new
    ), author AS (
        INSERT INTO author_network_counter AS c (author_id, network, sightings)
        SELECT f.author_id, r.network, sum(f.events)
        FROM pg_temp.fold_sighting f JOIN relay_counter r ON r.relay_id = f.relay_id
        GROUP BY f.author_id, r.network
        HAVING sum(f.events) <> 0
        ORDER BY f.author_id, r.network
        ON CONFLICT (author_id, network) DO UPDATE SET sightings = c.sightings + excluded.sightings
        RETURNING network, sightings, xmax = 0 AS is_new
    )
    UPDATE network_counter n SET authors = n.authors + d.authors, kinds = n.kinds + d.kinds
    FROM (
        SELECT s.network, sum(s.authors) AS authors, sum(s.kinds) AS kinds
        FROM (
            SELECT k.network, 0 AS authors, CASE WHEN k.is_new THEN 1 ELSE -1 END AS kinds
            FROM kind k WHERE k.is_new OR k.sightings = 0
            UNION ALL
            SELECT a.network, CASE WHEN a.is_new THEN 1 ELSE -1 END, 0
            FROM author a WHERE a.is_new OR a.sightings = 0
        ) AS s
        GROUP BY s.network
    ) AS d
    WHERE n.network = d.network;

    DELETE FROM network_kind_counter c USING pg_temp.fold_sighting f
    JOIN relay_counter r ON r.relay_id = f.relay_id
    WHERE f.first_removed_at IS NOT NULL AND c.network = r.network AND c.kind = f.kind AND c.sightings = 0;
    DELETE FROM author_network_counter c USING pg_temp.fold_sighting f
    JOIN relay_counter r ON r.relay_id = f.relay_id
    WHERE f.first_removed_at IS NOT NULL AND c.network = r.network AND c.author_id = f.author_id
        AND c.sightings = 0;
END
$$;
