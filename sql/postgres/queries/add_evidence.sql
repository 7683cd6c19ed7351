/*
 * Purpose:    Add namings of URLs that are candidates or relays.
 * Parameters: $1 urls
 *             $2 sources
 *             $3 numbers of namings
 *             $4 moments of the first
 *             $5 moments of the last; together one row each
 * Result:     affected rows
 * Caller:     EvidenceStore::add_evidence
 * Index:      primary keys of candidate and candidate_evidence, unique url of relay
 */
INSERT INTO candidate_evidence AS known (url, source, namings, first_named_at, last_named_at)
SELECT
    named.url, named.source, sum(named.namings)::bigint, min(named.first_named_at),
    max(named.last_named_at)
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[])
    AS named (url, source, namings, first_named_at, last_named_at)
WHERE EXISTS (SELECT FROM candidate AS c WHERE c.url = named.url)
    OR EXISTS (SELECT FROM relay AS r WHERE r.url = named.url)
GROUP BY named.url, named.source
ORDER BY named.url COLLATE "C", named.source COLLATE "C"
ON CONFLICT (url, source) DO UPDATE
SET namings = known.namings + excluded.namings,
    first_named_at = least(known.first_named_at, excluded.first_named_at),
    last_named_at = greatest(known.last_named_at, excluded.last_named_at)
