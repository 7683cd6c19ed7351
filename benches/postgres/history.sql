-- Events $1 to $2 as writers leave them behind: 80,000 authors and 1,000 relays of very different weight, an author on
-- forty relays at most, three years, each event on four or five relays, and a row of event_change for each 250 events
-- with their sightings. Returns the sightings.
WITH made AS MATERIALIZED (
    SELECT n, ((1640995200 + (random() * 94608000)::BIGINT) << 30) | n AS eid,
        floor(80000 * random() ^ 2)::INTEGER AS author,
        (ARRAY[1, 1, 1, 1, 1, 7, 7, 7, 6, 6, 0, 3, 4, 5, 1059, 1111, 9734, 9735, 10002, 10050, 30023, 30078])
            [1 + floor(22 * random() ^ 1.5)::INTEGER] AS kind,
        1 + floor(8 * random())::INTEGER AS copies
    FROM generate_series($1::BIGINT, $2::BIGINT) AS n
), stored AS (
    INSERT INTO event (eid, kind, id, pubkey)
    SELECT m.eid, m.kind, sha256(m.n::TEXT::BYTEA), sha256(('author ' || m.author)::BYTEA) FROM made m ORDER BY m.eid
), choice AS (
    SELECT m.n, m.eid, m.author, floor(40 * random() ^ 2)::INTEGER AS place
    FROM made m CROSS JOIN LATERAL generate_series(1, m.copies + 0 * m.n) AS copy
), seen AS MATERIALIZED (
    -- The same relays for the same author each time: numbers that look random and are not.
    SELECT DISTINCT c.n, c.eid,
        1 + floor(1000 * (((c.author * 40 + c.place)::BIGINT * 2654435761 % 1000003) / 1000003.0) ^ 2)::INTEGER
            AS relay_id
    FROM choice c
), sighted AS (
    INSERT INTO event_relay (eid, relay_id, seen_at)
    SELECT s.eid, s.relay_id, 189302400 FROM seen s ORDER BY s.eid, s.relay_id
), changed AS (
    INSERT INTO event_change (change, stored, sighted, sighted_relays)
    SELECT e.part, e.eids, s.eids, s.relays
    FROM (SELECT m.n / 250 AS part, array_agg(m.eid) AS eids FROM made m GROUP BY 1) AS e
    JOIN (
        SELECT s.n / 250 AS part, array_agg(s.eid) AS eids, array_agg(s.relay_id) AS relays FROM seen s GROUP BY 1
    ) AS s ON s.part = e.part
)
SELECT count(*) FROM seen
