/*
 * Purpose:    Write down that a relay is another one.
 * Parameters: $1 relay_id
 *             $2 canonical_id
 *             $3 evidence
 *             $4 found_at, when it was looked at
 * Result:     affected rows
 * Caller:     AliasStore::add_aliases
 * Index:      primary key of relay_alias
 */
INSERT INTO relay_alias (relay_id, canonical_id, evidence, found_at, looked_at)
VALUES ($1, $2, $3, $4, $4)
ON CONFLICT (relay_id) DO UPDATE
SET canonical_id = excluded.canonical_id, evidence = excluded.evidence,
    found_at = excluded.found_at, looked_at = excluded.looked_at
