-- What a kind is, as NIP-01 divides them.
--
-- Parameters: a kind. Result: regular, replaceable, ephemeral, addressable or, where NIP-01 says nothing, other.
-- Callers: event_stats, kind_counts.
CREATE OR REPLACE FUNCTION kind_category(kind INTEGER) RETURNS TEXT
LANGUAGE sql IMMUTABLE PARALLEL SAFE SECURITY INVOKER
AS $$
    SELECT CASE
        WHEN kind IN (0, 3) OR kind BETWEEN 10000 AND 19999 THEN 'replaceable'
        WHEN kind BETWEEN 20000 AND 29999 THEN 'ephemeral'
        WHEN kind BETWEEN 30000 AND 39999 THEN 'addressable'
        WHEN kind IN (1, 2) OR kind BETWEEN 4 AND 44 OR kind BETWEEN 1000 AND 9999 THEN 'regular'
        ELSE 'other'
    END
$$;
