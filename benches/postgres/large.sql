/*
 * Events $1 to $2 of an archive of ten million over two years, each seen on a relay: one in ten is a version of
 * something, one in fifty of a rare kind, half have one of 50,000 topics, and 50,000 authors write.
 */
WITH numbered AS (
    SELECT
        n, sha256(n::text::bytea) AS id, 1690000000 + n * 63 / 10 AS created_at,
        CASE WHEN n % 50 = 0 THEN 1984 WHEN n % 10 = 1 THEN 30023 ELSE 1 + n / 3 % 2 * 6 END AS kind,
        CASE WHEN n % 2 = 0 THEN 'topic ' || n / 2 % 50000 END AS topic
    FROM generate_series($1::bigint, $2::bigint) AS n
), stored AS (
    INSERT INTO event (eid, kind, id, pubkey, sig, tags, content, tag_hashes)
    SELECT
        event_key(created_at, id), kind, id, sha256(('author ' || n / 10 * 7919 % 50000)::bytea),
        sha512(n::text::bytea), CASE WHEN topic IS NULL THEN '[]' ELSE format('[["t","%s"]]', topic) END,
        '"some text"', CASE WHEN topic IS NOT NULL THEN ARRAY[tag_hash('t', topic)] END
    FROM numbered
    ORDER BY 1
    RETURNING eid, kind
), standing AS (
    INSERT INTO event_standing (eid, visibility, own, address)
    SELECT eid, CASE WHEN eid % 3 = 0 THEN 0 ELSE 2 END, 0, gen_random_uuid() FROM stored WHERE kind = 30023
), seen AS (
    INSERT INTO event_relay (eid, relay_id, seen_at) SELECT eid, 1, 1 FROM stored
), head AS (
    UPDATE arrival_head SET batch = ($2 + 1) / 500, sightings = $2 + 1
), logged AS (
    INSERT INTO arrival (batch, arrived_at, eids)
    SELECT $1 / 500 + n / 500, 1700000000, array_agg(eid)
    FROM (SELECT eid, row_number() OVER (ORDER BY eid) - 1 AS n FROM stored) AS s
    GROUP BY n / 500
)
INSERT INTO event_count AS c (kind, events)
SELECT kind, count(*) FROM stored GROUP BY kind
ON CONFLICT (kind) DO UPDATE SET events = c.events + excluded.events
