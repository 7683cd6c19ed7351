/*
 * Purpose:    Walk over the kinds seen on relays.
 * Parameters: $1 relay_id and $2 kind, exclusive
 *             $3 limit
 * Result:     relay_id, kind, events, authors, by relay and kind
 * Caller:     FigureStore::relay_kind_figures
 * Index:      primary key of relay_kind_counter
 */
SELECT c.relay_id, c.kind, c.events, c.authors
FROM relay_kind_counter AS c
WHERE (c.relay_id, c.kind) > ($1::bigint, $2::bigint)
ORDER BY c.relay_id, c.kind
LIMIT $3
