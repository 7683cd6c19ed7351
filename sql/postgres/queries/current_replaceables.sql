/*
 * Purpose:    Walk over the version of each replaceable event that counts, as of the last refresh.
 * Parameters: $1 public key and $2 kind, exclusive
 *             $3 limit
 * Result:     pubkey, kind, id, created_at, by public key and kind
 * Caller:     FigureStore::current_replaceables
 * Index:      events_replaceable_latest_key
 */
SELECT e.pubkey, e.kind, e.id, e.created_at
FROM events_replaceable_latest AS e
WHERE (e.pubkey, e.kind) > ($1, $2::bigint)
ORDER BY e.pubkey, e.kind
LIMIT $3
