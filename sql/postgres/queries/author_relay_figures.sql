/*
 * Purpose:    Walk over the relays where an author was seen.
 * Parameters: $1 public key
 *             $2 relay_id, exclusive
 *             $3 limit
 * Result:     relay_id, events, kinds, first_created_at, last_created_at, by relay
 * Caller:     FigureStore::author_relay_figures
 * Index:      unique pubkey of author_counter, primary key of author_relay_counter
 */
SELECT c.relay_id, c.events, c.kinds, c.first_created_at, c.last_created_at
FROM author_relay_counter AS c
WHERE c.author_id = (SELECT a.author_id FROM author_counter AS a WHERE a.pubkey = $1) AND c.relay_id > $2::bigint
ORDER BY c.relay_id
LIMIT $3
