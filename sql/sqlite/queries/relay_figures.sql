/*
 * Purpose:    Walk over all relays with their last ten round trips and what they state.
 * Parameters: $1 relay_id, exclusive
 *             $2 limit
 * Result:     relay_id, network, name, software, version; sum and number of the times to open, read and write
 * Caller:     FigureStore::relay_figures
 * Index:      primary keys of relay, relay_statement and relay_rtt
 */
SELECT
    page.relay_id, page.network, t.name, t.software, t.version,
    coalesce(sum(s.open_ms), 0) AS open_sum, count(s.open_ms) AS open_count,
    coalesce(sum(s.read_ms), 0) AS read_sum, count(s.read_ms) AS read_count,
    coalesce(sum(s.write_ms), 0) AS write_sum, count(s.write_ms) AS write_count
FROM (SELECT relay_id, network FROM relay WHERE relay_id > $1 ORDER BY relay_id LIMIT $2) AS page
LEFT JOIN relay_statement AS t ON t.relay_id = page.relay_id
LEFT JOIN relay_rtt AS s ON s.relay_id = page.relay_id AND s.checked_at IN (
    SELECT newest.checked_at FROM relay_rtt AS newest
    WHERE newest.relay_id = page.relay_id ORDER BY newest.checked_at DESC LIMIT 10
)
GROUP BY page.relay_id
ORDER BY page.relay_id
