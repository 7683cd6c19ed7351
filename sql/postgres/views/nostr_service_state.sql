/*
 * Purpose:    Service state in the seed's shape. A value that jsonb cannot hold is null (readable_json).
 * Result:     service_name, state_type, state_key, state_value, updated_at
 * Caller:     people
 * Index:      primary key of service_state
 */
CREATE OR REPLACE VIEW nostr.service_state AS
SELECT
    s.service_name, s.state_type, s.state_key, public.readable_json(s.state_value) AS state_value,
    s.updated_at
FROM public.service_state AS s;
COMMENT ON VIEW nostr.service_state IS 'Cursors and checkpoints of the services';
