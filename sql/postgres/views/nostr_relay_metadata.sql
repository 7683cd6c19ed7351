/*
 * Purpose:    When documents were current, in the seed's shape: one row for each stretch of time in which a
 *             relay had the same document, from generated_at to last_generated_at.
 * Result:     relay_url, metadata_id, metadata_type, generated_at, last_generated_at
 * Caller:     people
 * Index:      unique url of relay, primary keys of relay_metadata and metadata
 */
CREATE OR REPLACE VIEW nostr.relay_metadata AS
SELECT
    r.url AS relay_url, m.id AS metadata_id, s.metadata_type, s.generated_at, s.last_generated_at
FROM public.relay_metadata AS s
INNER JOIN public.relay AS r ON r.relay_id = s.relay_id
INNER JOIN public.metadata AS m ON m.metadata_id = s.metadata_id;
COMMENT ON VIEW nostr.relay_metadata IS
    'Which document was current for which relay, from generated_at to last_generated_at (unix seconds)';
