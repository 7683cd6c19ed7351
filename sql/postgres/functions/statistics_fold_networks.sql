-- Counts the sightings of a batch by network: different events, authors and kinds of each.
--
-- An event that was stored in this batch is new to its networks. Whether another one is follows from three numbers: on
-- how many relays of the network it is now, and by how many the changes in this batch and those after it raised that.
-- Everything is read in one snapshot.
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

    WITH fact AS MATERIALIZED (
        SELECT f.eid, r.network, sum(f.sign) AS now
        FROM event_fact f JOIN relay_counter r ON r.relay_id = f.relay_id
        WHERE f.change <= until AND f.relay_id IS NOT NULL
        GROUP BY f.eid, r.network
    ), changed AS MATERIALIZED (
        SELECT f.eid, f.network, f.now, n.eid IS NOT NULL AS is_new
        FROM fact f LEFT JOIN (SELECT s.eid FROM pg_temp.fold_subject s WHERE s.is_new) AS n ON n.eid = f.eid
    ), subject AS MATERIALIZED (
        SELECT DISTINCT c.eid FROM changed c WHERE NOT c.is_new ORDER BY c.eid
    ), later AS (
        SELECT f.eid, r.network, sum(f.sign) AS relays
        FROM event_fact f
        JOIN subject s ON s.eid = f.eid
        JOIN relay_counter r ON r.relay_id = f.relay_id
        WHERE f.change > until AND f.relay_id IS NOT NULL
        GROUP BY f.eid, r.network
    ), seen AS MATERIALIZED (
        SELECT r.eid, r.relay_id
        FROM subject s
        CROSS JOIN LATERAL (SELECT r.eid, r.relay_id FROM event_relay r WHERE r.eid = s.eid OFFSET 0) AS r
    ), present AS (
        SELECT s.eid, n.network, count(*) AS relays
        FROM seen s JOIN relay_counter n ON n.relay_id = s.relay_id
        GROUP BY s.eid, n.network
    )
    UPDATE network_counter n SET events = n.events + d.events
    FROM (
        SELECT d.network, sum(d.events) AS events
        FROM (
            SELECT c.network, sum((c.now > 0)::INTEGER) AS events
            FROM changed c WHERE c.is_new
            GROUP BY c.network
            UNION ALL
            SELECT c.network, sum((coalesce(p.relays, 0) - coalesce(l.relays, 0) > 0)::INTEGER
                - (coalesce(p.relays, 0) - coalesce(l.relays, 0) - c.now > 0)::INTEGER)
            FROM changed c
            LEFT JOIN present p ON p.eid = c.eid AND p.network = c.network
            LEFT JOIN later l ON l.eid = c.eid AND l.network = c.network
            WHERE NOT c.is_new
            GROUP BY c.network
        ) AS d
        GROUP BY d.network
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
