/*
 * Purpose:    Walk over the URLs that take up room: relays, candidates, and those given up for a while.
 * Parameters: $1 url, exclusive
 *             $2 now
 *             $3 limit
 * Result:     url, ascending
 * Caller:     EvidenceStore::known_urls
 * Index:      unique url of relay, primary keys of candidate and candidate_tombstone, at most limit entries of each
 */
SELECT page.url
FROM (SELECT url FROM relay WHERE url > $1 ORDER BY url LIMIT $3) AS page
UNION
SELECT page.url
FROM (SELECT url FROM candidate WHERE url > $1 ORDER BY url LIMIT $3) AS page
UNION
SELECT page.url
FROM (
    SELECT url
    FROM candidate_tombstone
    WHERE url > $1 AND expires_at > $2
    ORDER BY url
    LIMIT $3
) AS page
ORDER BY url
LIMIT $3
