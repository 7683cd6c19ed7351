/*
 * Purpose:    Read the events of batches that are still stored whole.
 * Parameters: $1 the batches
 * Result:     batch and the columns of an event, newest first within a batch
 * Caller:     EventStore::arrivals_after
 * Index:      primary keys of arrival, event and event_standing
 */
SELECT
    a.batch, e.eid, e.id, e.pubkey, e.kind, e.sig, e.tags, e.content,
    coalesce(s.visibility, CASE WHEN e.kind IN (4, 1059) THEN 1 ELSE 0 END)::smallint AS visibility, s.expires_at
FROM arrival AS a
CROSS JOIN LATERAL unnest(a.eids) AS u (eid)
CROSS JOIN LATERAL (
    -- One look-up for each key, whatever a young table's statistics make of it.
    SELECT e.eid, e.id, e.pubkey, e.kind, e.sig, e.tags, e.content
    FROM event AS e
    WHERE e.eid = u.eid AND e.content IS NOT NULL
    OFFSET 0
) AS e
LEFT JOIN event_standing AS s ON s.eid = e.eid
WHERE a.batch = ANY ($1)
ORDER BY a.batch, e.eid DESC
