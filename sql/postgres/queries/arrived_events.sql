/*
 * Purpose:    The events of batches that are still stored whole.
 * Parameters: $1 the batches
 * Result:     batch and the columns of an event, newest first within a batch
 * Caller:     EventStore::arrivals_after
 * Index:      primary keys of arrival, event and event_standing
 */
SELECT a.batch, e.eid, e.id, e.pubkey, e.kind, e.sig, e.tags, e.content,
    coalesce(s.visibility, CASE WHEN e.kind IN (4, 1059) THEN 1 ELSE 0 END)::SMALLINT AS visibility,
    s.expires_at
FROM arrival a
CROSS JOIN LATERAL unnest(a.eids) AS u (eid)
JOIN event e ON e.eid = u.eid
LEFT JOIN event_standing s ON s.eid = e.eid
WHERE a.batch = ANY ($1) AND e.content IS NOT NULL
ORDER BY a.batch, e.eid DESC
