/*
 * Purpose:    Relays in the seed's shape.
 * Result:     url, network, discovered_at
 * Caller:     people
 * Index:      unique url of relay
 */
CREATE OR REPLACE VIEW nostr.relay AS
SELECT r.url, r.network, r.discovered_at
FROM public.relay AS r;
COMMENT ON VIEW nostr.relay IS 'Validated relays; discovered_at is unix seconds';
