-- The version of each addressable event that counts: the newest, of several in one second that with the lowest id
-- (NIP-01), neither deleted nor expired; protected ones too (NIP-70). Only what is stored whole. A d tag may be of any
-- length, so the key is the hash of the address.
--
-- Caller: people. Reads the versions of event_standing; primary key of event.
CREATE MATERIALIZED VIEW events_addressable_latest AS
SELECT v.id, v.pubkey, v.created_at, v.kind, v.tags, v.content, v.sig,
    coalesce((
        SELECT t.tag ->> 1
        FROM jsonb_array_elements(v.tags) WITH ORDINALITY AS t (tag, place)
        WHERE t.tag ->> 0 = 'd'
        ORDER BY t.place LIMIT 1
    ), '') AS d_tag, v.address
FROM (
    SELECT e.id, e.pubkey, e.eid >> 30 AS created_at, e.kind, readable_json(e.tags) AS tags,
        readable_json(e.content) #>> '{}' AS content, e.sig, s.address
    FROM event_standing s
    JOIN event e ON e.eid = s.eid
    WHERE s.address IS NOT NULL AND s.visibility IN (0, 5)
        AND (s.expires_at IS NULL OR s.expires_at > extract(epoch FROM now()))
        AND kind_category(e.kind) = 'addressable'
    -- The tags are read once for both of their columns.
    OFFSET 0
) AS v
ORDER BY v.id;
CREATE UNIQUE INDEX events_addressable_latest_key ON events_addressable_latest (address);
CREATE INDEX events_addressable_latest_by_author ON events_addressable_latest (pubkey, kind);
COMMENT ON MATERIALIZED VIEW events_addressable_latest IS
    'The version of each addressable event that counts, as of the last refresh';
