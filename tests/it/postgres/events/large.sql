-- Two hundred thousand events over two years, each seen on a relay, as the plans are checked on.
-- Every author writes 40, one event in ten is a version of something, one in fifty is of a rare kind, and half
-- have one of a thousand topics.
WITH topic AS MATERIALIZED (
    SELECT t, format('[["t","topic %s"]]', t) AS tags, ARRAY[tag_hash('t', 'topic ' || t)] AS hashes
    FROM generate_series(0, 999) AS t
), numbered AS (
    SELECT n, sha256(n::text::bytea) AS id, CASE WHEN n % 2 = 0 THEN n / 2 % 1000 END AS t
    FROM generate_series(1, 200000) AS n
)
INSERT INTO event (eid, kind, id, pubkey, sig, tags, content, tag_hashes)
SELECT
    (1700000000 + n * 300)::bigint << 30
        | (1073741823 - (('x' || encode(substr(id, 1, 4), 'hex'))::bit(32)::bigint >> 2)),
    CASE WHEN n % 50 = 0 THEN 1984 WHEN n % 10 = 1 THEN 30023 ELSE 1 + n / 3 % 2 * 6 END,
    id, sha256(('author ' || n * 7919::bigint % 5000)::bytea), decode(repeat('ab', 64), 'hex'),
    coalesce(topic.tags, '[]'), '"some text"', topic.hashes
FROM numbered LEFT JOIN topic USING (t);

INSERT INTO event_standing (eid, visibility, own, address)
SELECT eid, CASE WHEN n % 3 = 0 THEN 0 ELSE 2 END, 0, encode(substr(sha256((n / 3)::text::bytea), 1, 16), 'hex')::uuid
FROM (SELECT eid, row_number() OVER (ORDER BY eid) AS n FROM event WHERE kind = 30023) AS v;

INSERT INTO event_relay (eid, relay_id, seen_at) SELECT eid, 1, 1 FROM event;

INSERT INTO deleted_id (id, eid, requester)
SELECT sha256(('deleted ' || n)::bytea), n, sha256('somebody') FROM generate_series(1, 20000) AS n;

INSERT INTO vanish_request (pubkey, eid)
SELECT sha256(('vanished ' || n)::bytea), 1 FROM generate_series(1, 20000) AS n;

INSERT INTO arrival (batch, arrived_at, eids)
SELECT row_number() OVER (ORDER BY eid), 1700000000, ARRAY[eid]
FROM (SELECT eid FROM event ORDER BY eid LIMIT 20000) AS e;

INSERT INTO event_count (kind, events) SELECT kind, count(*) FROM event GROUP BY kind;

UPDATE arrival_head SET batch = 20000, sightings = 200000;
