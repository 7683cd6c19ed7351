-- What relays said about themselves last (NIP-11), by nip11_of_relay.
--
-- Columns: relay_id, name, software, version, supported_nips as they came. Callers: relay_stats,
-- relay_software_counts, supported_nip_counts.
CREATE OR REPLACE VIEW nip11_latest AS
SELECT r.relay_id, n.name, n.software, n.version, n.supported_nips
FROM relay r
CROSS JOIN LATERAL nip11_of_relay(r.relay_id) AS n;
