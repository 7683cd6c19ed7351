/*
 * Purpose:    Events in the seed's shape, all that are stored: superseded, deleted and expired ones too. Neither
 *             jsonb nor text can hold U+0000: it is shown as U+FFFD. The stored text stays what it is.
 * Result:     id, pubkey, created_at, kind, tags, tagvalues, content, sig; tags, tagvalues, content and sig are
 *             NULL where only provenance is kept. And what makes look-ups cheap: eid, whose order is that of
 *             created_at (event_key), and tag_hashes (tag_hash)
 * Caller:     people
 * Index:      event_by_id; event_by_author (pubkey, kind); event_by_kind; event_by_tag (tag_hashes); primary key (eid)
 */
CREATE OR REPLACE VIEW nostr.event AS
SELECT
    e.id, e.pubkey, e.eid >> 30 AS created_at, e.kind, t.tags, tags_to_tagvalues(t.tags) AS tagvalues,
    json_without_nul(e.content)::jsonb #>> '{}' AS content, e.sig, e.eid, e.tag_hashes
FROM public.event AS e
CROSS JOIN LATERAL (
    SELECT CASE WHEN e.content IS NOT NULL THEN json_without_nul(e.tags)::jsonb END AS tags
) AS t;
COMMENT ON VIEW nostr.event IS 'Stored events; created_at is unix seconds, U+0000 is shown as U+FFFD';
