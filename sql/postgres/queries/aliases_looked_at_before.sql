/*
 * Purpose:    Find aliases that were not looked at for long, those first that wait longest.
 * Parameters: $1 moment
 *             $2 limit
 * Result:     aliases
 * Caller:     AliasStore::aliases_looked_at_before
 * Index:      relay_alias_by_look, at most limit entries
 */
SELECT relay_id, canonical_id, evidence, found_at
FROM relay_alias
WHERE looked_at < $1
ORDER BY looked_at, relay_id
LIMIT $2
