/*
 * Purpose:    Count what an author wrote.
 * Parameters: $1 public key
 * Result:     at most one of pubkey, events, kinds, first_created_at, last_created_at
 * Caller:     FigureStore::author_figures
 * Index:      unique pubkey of author_counter
 */
SELECT a.pubkey, a.events, a.kinds, a.first_created_at, a.last_created_at
FROM author_counter AS a
WHERE a.pubkey = $1
