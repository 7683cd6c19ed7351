-- Relays by the NIPs they say they support (NIP-11): numbers of up to five digits, also as texts. Anything else in the
-- list counts for nothing.
--
-- Caller: people. Reads nip11_latest whole.
CREATE MATERIALIZED VIEW supported_nip_counts AS
SELECT t.nip::INTEGER AS nip, count(DISTINCT n.relay_id) AS relay_count
FROM nip11_latest n
CROSS JOIN LATERAL jsonb_array_elements_text(
    CASE jsonb_typeof(n.supported_nips) WHEN 'array' THEN n.supported_nips END
) AS s (entry)
-- In the order of evaluation: the cast meets nothing but digits.
CROSS JOIN LATERAL (SELECT substring(s.entry FROM '^[0-9]{1,5}$') AS nip) AS t
WHERE t.nip IS NOT NULL
GROUP BY t.nip::INTEGER;
CREATE UNIQUE INDEX supported_nip_counts_key ON supported_nip_counts (nip);
COMMENT ON MATERIALIZED VIEW supported_nip_counts IS 'NIPs that relays say they support, as of the last refresh';
