/*
 * Purpose:    What readers may see of each event.
 * Result:     event_id, eid; visibility: public, private (only its author and recipients), superseded (NIP-01),
 *             deleted (NIP-09), expired (NIP-40), protected (NIP-70), stub (only provenance is kept)
 * Caller:     people
 * Index:      primary keys of event and event_standing
 */
CREATE OR REPLACE VIEW nostr.event_visibility AS
SELECT
    e.id AS event_id, e.eid,
    CASE
        WHEN e.content IS NULL THEN 'stub'
        WHEN s.visibility = 2 THEN 'superseded'
        WHEN s.visibility = 3 THEN 'deleted'
        WHEN s.visibility = 4 OR s.expires_at <= extract(epoch FROM now()) THEN 'expired'
        WHEN s.visibility = 5 THEN 'protected'
        WHEN e.kind IN (4, 1059) THEN 'private'
        ELSE 'public'
    END AS visibility
FROM public.event AS e
LEFT JOIN public.event_standing AS s ON s.eid = e.eid;
COMMENT ON VIEW nostr.event_visibility IS 'What readers may see of stored events, and why not';
