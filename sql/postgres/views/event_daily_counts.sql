-- Events, authors and kinds by day of created_at (UTC).
--
-- Caller: people. Reads day_counter whole, a row a day.
CREATE MATERIALIZED VIEW event_daily_counts AS
SELECT DATE '1970-01-01' + c.day AS day, c.events AS event_count, c.authors AS unique_pubkeys, c.kinds AS unique_kinds
FROM day_counter c
ORDER BY c.day;
CREATE UNIQUE INDEX event_daily_counts_key ON event_daily_counts (day);
COMMENT ON MATERIALIZED VIEW event_daily_counts IS 'Days, as of the last refresh';
