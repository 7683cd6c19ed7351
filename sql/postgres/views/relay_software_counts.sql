-- Relays by software and version, as they name them (NIP-11).
--
-- Caller: people. Reads nip11_latest whole.
CREATE MATERIALIZED VIEW relay_software_counts AS
SELECT coalesce(n.software, 'unknown') AS software, coalesce(n.version, 'unknown') AS version, count(*) AS relay_count
FROM nip11_latest n
GROUP BY 1, 2;
CREATE UNIQUE INDEX relay_software_counts_key ON relay_software_counts (software, version);
COMMENT ON MATERIALIZED VIEW relay_software_counts IS 'What relays run, as of the last refresh';
