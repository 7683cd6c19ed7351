/*
 * Purpose:    Find the aliases on either side of a relay.
 * Parameters: $1 relay_id
 * Result:     aliases by key
 * Caller:     AliasStore::aliases
 * Index:      primary key of relay_alias and relay_alias_by_canonical
 */
SELECT relay_id, canonical_id, evidence, found_at
FROM relay_alias
WHERE relay_id = $1 OR canonical_id = $1
ORDER BY relay_id
