/*
 * Purpose:    Which protected events their authors brought: nothing hides those for being protected.
 * Parameters: $1 the ids
 * Result:     brought, for each id, in order; false for what is not stored whole
 * Caller:     EventStore::brought_by_author
 * Index:      event_by_id, primary key of event_standing
 */
SELECT coalesce(array_agg(e.own IS NOT NULL AND e.own <> 5 ORDER BY u.place), '{}') AS brought
FROM unnest($1::bytea[]) WITH ORDINALITY AS u (id, place)
LEFT JOIN LATERAL (
    SELECT coalesce(s.own, 0) AS own
    FROM event AS e
    LEFT JOIN event_standing AS s ON s.eid = e.eid
    WHERE e.id = u.id AND e.content IS NOT NULL
    LIMIT 1
) AS e ON true
