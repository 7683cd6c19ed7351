/*
 * Purpose:    Add namings of URLs that are candidates or relays.
 * Parameters: $1 JSON array of [url, source, namings, first_named_at, last_named_at]
 * Result:     affected rows
 * Caller:     EvidenceStore::add_evidence
 * Index:      primary keys of candidate and candidate_evidence, unique url of relay
 */
INSERT INTO candidate_evidence (url, source, namings, first_named_at, last_named_at)
SELECT
    named.value ->> 0, named.value ->> 1, named.value ->> 2, named.value ->> 3, named.value ->> 4
FROM json_each($1) AS named
WHERE EXISTS (SELECT 1 FROM candidate AS c WHERE c.url = named.value ->> 0)
    OR EXISTS (SELECT 1 FROM relay AS r WHERE r.url = named.value ->> 0)
ON CONFLICT (url, source) DO UPDATE
SET namings = namings + excluded.namings,
    first_named_at = min(first_named_at, excluded.first_named_at),
    last_named_at = max(last_named_at, excluded.last_named_at)
