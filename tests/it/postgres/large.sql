-- What a few months of work leave behind, made up in a few seconds: 50,000 relays and 100,000 candidates.

INSERT INTO relay (url, network, discovered_at, validated_at, state, check_failures, next_check_at,
    sync_failures, next_sync_at)
SELECT
    'wss://r' || n || '.nostr.net', CASE n % 10 WHEN 0 THEN 'tor' ELSE 'clearnet' END,
    1700000000, 1700000000, 'online', 0, 1700000000 + (n * 7919) % 3600, 0,
    1700000000 + (n * 7907) % 900
FROM generate_series(1, 50000) AS n;

INSERT INTO candidate (url, network, source, discovered_at, failures, next_attempt_at)
SELECT
    'wss://c' || n || '.nostr.net', CASE n % 10 WHEN 0 THEN 'tor' ELSE 'clearnet' END, 'kind-10002',
    1700000000, (n * 7919) % 20, 1700000000 + (n * 7907) % 86400
FROM generate_series(1, 100000) AS n;

INSERT INTO candidate_tombstone (url, expires_at)
SELECT 'wss://t' || n || '.nostr.net', 1700000000 + n FROM generate_series(1, 20000) AS n;

INSERT INTO metadata (id, metadata_type, data)
SELECT sha256(n::text::bytea), 'nip11_info', '{"name":"relay ' || n || '"}'
FROM generate_series(1, 50000) AS n;

INSERT INTO relay_metadata (relay_id, metadata_type, generated_at, last_generated_at, metadata_id)
SELECT r.relay_id, 'nip11_info', 1700000000 + day * 86400, 1700080000 + day * 86400, m.metadata_id
FROM relay AS r
INNER JOIN metadata AS m ON m.metadata_id = r.relay_id
CROSS JOIN generate_series(0, 1) AS day;

INSERT INTO relay_rtt (relay_id, checked_at, open_ms)
SELECT r.relay_id, 1700000000 + check_number * 1800, 100
FROM relay AS r
CROSS JOIN generate_series(0, 1) AS check_number;

INSERT INTO coverage (relay_id, filter_id, since, until, method, covered_at, events)
SELECT r.relay_id, 1, part * 1000, part * 1000 + 900, 'paging', 1700000000, 10
FROM relay AS r
CROSS JOIN generate_series(0, 1) AS part;

INSERT INTO gap (relay_id, filter_id, since, until, reason, attempts, found_at, next_attempt_at)
SELECT r.relay_id, 1, 901, 999, 'timed-out', 1, 1700000000, 1700000000
FROM relay AS r;

INSERT INTO service_state (service_name, state_type, state_key, state_value, updated_at)
SELECT 'monitor', 'checkpoint', n::text, '{}', 1700000000 FROM generate_series(1, 20000) AS n;

ANALYZE;
