-- The version of each replaceable event that counts: the newest, of several in one second that with the lowest id
-- (NIP-01), neither deleted nor expired; protected ones too (NIP-70). Only what is stored whole.
--
-- Caller: people. Reads the versions of event_standing; primary key of event.
CREATE MATERIALIZED VIEW events_replaceable_latest AS
SELECT e.id, e.pubkey, e.eid >> 30 AS created_at, e.kind, readable_json(e.tags) AS tags,
    readable_json(e.content) #>> '{}' AS content, e.sig
FROM event_standing s
JOIN event e ON e.eid = s.eid
WHERE s.address IS NOT NULL AND s.visibility IN (0, 5)
    AND (s.expires_at IS NULL OR s.expires_at > extract(epoch FROM now()))
    AND kind_category(e.kind) = 'replaceable'
ORDER BY e.id;
CREATE UNIQUE INDEX events_replaceable_latest_key ON events_replaceable_latest (pubkey, kind);
COMMENT ON MATERIALIZED VIEW events_replaceable_latest IS
    'The version of each replaceable event that counts, as of the last refresh';
