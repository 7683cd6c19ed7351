/*
 * Purpose:    Walk over all relays with what was seen there, their last ten round trips and what they state.
 * Parameters: $1 relay_id, exclusive
 *             $2 limit
 * Result:     relay_id, network, events, authors, kinds, first_created_at, last_created_at; sum and number of the
 *             times to open, read and write; name, software, version
 * Caller:     FigureStore::relay_figures
 * Index:      primary keys of relay, relay_counter, relay_rtt, relay_metadata and metadata
 */
SELECT
    r.relay_id, r.network, coalesce(c.events, 0) AS events, coalesce(c.authors, 0) AS authors,
    coalesce(c.kinds, 0) AS kinds, c.first_created_at, c.last_created_at,
    t.open_sum, t.open_count, t.read_sum, t.read_count, t.write_sum, t.write_count,
    n.name, n.software, n.version
FROM (SELECT relay_id, network FROM relay WHERE relay_id > $1::bigint ORDER BY relay_id LIMIT $2) AS r
LEFT JOIN relay_counter AS c ON c.relay_id = r.relay_id
CROSS JOIN LATERAL (
    SELECT
        coalesce(sum(s.open_ms), 0)::bigint AS open_sum, count(s.open_ms) AS open_count,
        coalesce(sum(s.read_ms), 0)::bigint AS read_sum, count(s.read_ms) AS read_count,
        coalesce(sum(s.write_ms), 0)::bigint AS write_sum, count(s.write_ms) AS write_count
    FROM (
        SELECT s.open_ms, s.read_ms, s.write_ms
        FROM relay_rtt AS s WHERE s.relay_id = r.relay_id ORDER BY s.checked_at DESC LIMIT 10
    ) AS s
) AS t
LEFT JOIN LATERAL (
    SELECT n.name, n.software, n.version FROM nip11_of_relay(r.relay_id) AS n
) AS n ON true
ORDER BY r.relay_id
