/*
 * Purpose:    Which of many pairs are among others, compared through a hash: nested loops over two arrays would take the
 *             square of their length.
 * Parameters: the pairs, and those they are looked for among
 * Result:     an answer for each, in order
 * Caller:     event_place, event_write
 */
CREATE OR REPLACE FUNCTION are_among(
    firsts BIGINT[], seconds ANYARRAY, among_firsts BIGINT[], among_seconds ANYARRAY
) RETURNS BOOLEAN[]
LANGUAGE plpgsql IMMUTABLE SECURITY INVOKER
SET search_path = pg_catalog, pg_temp SET jit = off SET enable_nestloop = off
AS $$
BEGIN
    RETURN ARRAY(
        SELECT a.first IS NOT NULL
        FROM unnest(firsts, seconds) WITH ORDINALITY AS u (first, second, place)
        LEFT JOIN unnest(among_firsts, among_seconds) AS a (first, second)
            ON a.first = u.first AND a.second = u.second
        ORDER BY u.place);
END
$$;
