/*
 * Purpose:    Walk over all authors.
 * Parameters: $1 public key, exclusive; empty for the first
 *             $2 limit
 * Result:     pubkey, events, kinds, first_created_at, last_created_at, by public key
 * Caller:     FigureStore::authors_after
 * Index:      unique pubkey of author_counter
 */
SELECT a.pubkey, a.events, a.kinds, a.first_created_at, a.last_created_at
FROM author_counter AS a
WHERE a.pubkey > $1
ORDER BY a.pubkey
LIMIT $2
