/*
 * Purpose:    Where the newest events of a range lie. What claims to be of the day after tomorrow or later is left
 *             out: there is little of it, and it tells nothing about how dense the present is.
 * Parameters: $1 lowest key
 *             $2 highest key
 *             $3 how many events
 * Result:     now_eid, the highest key that can be of today; newest_eid, the first event from there on; start_eid,
 *             the $3-th after it, NULL when there are not as many
 * Caller:     EventStore::query
 * Index:      primary key of event, from both ends of $3 entries
 */
SELECT
    n.eid AS now_eid,
    (SELECT e.eid FROM event AS e WHERE e.eid BETWEEN $1 AND n.eid ORDER BY e.eid DESC LIMIT 1) AS newest_eid,
    (SELECT e.eid FROM event AS e WHERE e.eid BETWEEN $1 AND n.eid ORDER BY e.eid DESC OFFSET $3 LIMIT 1) AS start_eid
FROM (SELECT least($2, (extract(epoch FROM now())::bigint + 86400) << 30) AS eid) AS n
