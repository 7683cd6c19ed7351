/*
 * Purpose:    Tell how far the relays of each network are archived.
 * Parameters: $1 the second from which on a relay counts as archived until lately
 * Result:     network, relays, covered relays, recent ones, gaps, relays with gaps, the oldest end of coverage
 *             of an online relay
 * Caller:     CoverageStore::network_progress
 * Index:      none: reads relay, coverage and gap whole
 */
SELECT
    r.network,
    count(*) AS relays,
    count(c.newest) AS covered,
    count(*) FILTER (WHERE c.newest >= $1) AS recent,
    coalesce(sum(g.gaps), 0) AS gaps,
    count(g.gaps) AS gap_relays,
    min(c.newest) FILTER (WHERE r.state = 'online') AS oldest
FROM relay AS r
LEFT JOIN (
    SELECT relay_id, max(until) AS newest FROM coverage GROUP BY relay_id
) AS c ON c.relay_id = r.relay_id
LEFT JOIN (
    SELECT relay_id, count(*) AS gaps FROM gap GROUP BY relay_id
) AS g ON g.relay_id = r.relay_id
GROUP BY r.network
ORDER BY r.network
