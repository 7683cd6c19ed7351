/*
 * Purpose:    Name the relays whose archive ends earliest, of those that answer or may.
 * Parameters: $1 limit
 * Result:     relay_id, url, the end of coverage or null, gaps; the furthest behind first
 * Caller:     CoverageStore::relays_behind
 * Index:      none: reads relay, coverage and gap whole
 */
SELECT r.relay_id, r.url, c.newest, coalesce(g.gaps, 0) AS gaps
FROM relay AS r
LEFT JOIN (
    SELECT relay_id, max(until) AS newest FROM coverage GROUP BY relay_id
) AS c ON c.relay_id = r.relay_id
LEFT JOIN (
    SELECT relay_id, count(*) AS gaps FROM gap GROUP BY relay_id
) AS g ON g.relay_id = r.relay_id
WHERE r.state IN ('new', 'online', 'flaky')
ORDER BY coalesce(c.newest, 0), coalesce(g.gaps, 0) DESC, r.relay_id
LIMIT $1
