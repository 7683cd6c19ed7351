/*
 * Purpose:    Find aliases of which it was not said yet that they are no relays of their own.
 * Parameters: $1 limit
 * Result:     aliases by key
 * Caller:     AliasStore::aliases_to_withdraw
 * Index:      relay_alias_by_withdrawal, at most limit entries
 */
SELECT relay_id, canonical_id, evidence, found_at
FROM relay_alias
WHERE withdrawn_at IS NULL
ORDER BY relay_id
LIMIT $1
