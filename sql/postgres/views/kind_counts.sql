-- Events and authors by kind, with what NIP-01 calls kinds like it.
--
-- Caller: people. Reads kind_counter whole, a row a kind.
CREATE MATERIALIZED VIEW kind_counts AS
SELECT c.kind, c.events AS event_count, c.authors AS unique_pubkeys, kind_category(c.kind) AS category
FROM kind_counter c
ORDER BY c.kind;
CREATE UNIQUE INDEX kind_counts_key ON kind_counts (kind);
COMMENT ON MATERIALIZED VIEW kind_counts IS 'Kinds, as of the last refresh';
