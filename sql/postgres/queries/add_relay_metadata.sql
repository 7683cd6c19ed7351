/*
 * Purpose:    Note that stored documents were current for relays: extend the stretch of a document that
 *             still is, else begin one, unless another document was current at that moment.
 * Parameters: $1 relay_ids, of which this transaction holds the rows
 *             $2 metadata_types
 *             $3 ids of the documents
 *             $4 moments; together one row each, no relay and type twice
 * Result:     affected rows = new stretches
 * Caller:     MetadataStore::add_relay_metadata
 * Index:      primary key of relay_metadata, unique id and type of metadata
 */
WITH observed AS (
    SELECT
        seen.relay_id, seen.metadata_type, seen.generated_at, m.metadata_id,
        before.generated_at AS since, before.last_generated_at, before.metadata_id AS current_id
    FROM unnest($1::bigint[], $2::text[], $3::bytea[], $4::bigint[])
        AS seen (relay_id, metadata_type, id, generated_at)
    INNER JOIN metadata AS m ON m.id = seen.id AND m.metadata_type = seen.metadata_type
    LEFT JOIN LATERAL (
        SELECT s.generated_at, s.last_generated_at, s.metadata_id
        FROM relay_metadata AS s
        WHERE s.relay_id = seen.relay_id
            AND s.metadata_type = seen.metadata_type
            AND s.generated_at <= seen.generated_at
        ORDER BY s.generated_at DESC
        LIMIT 1
    ) AS before ON true
),
extended AS (
    UPDATE relay_metadata AS stretch
    SET last_generated_at = observed.generated_at
    FROM observed
    WHERE stretch.relay_id = observed.relay_id
        AND stretch.metadata_type = observed.metadata_type
        AND stretch.generated_at = observed.since
        AND stretch.metadata_id = observed.metadata_id
        AND stretch.last_generated_at < observed.generated_at
)
INSERT INTO relay_metadata (relay_id, metadata_type, generated_at, last_generated_at, metadata_id)
SELECT
    observed.relay_id, observed.metadata_type, observed.generated_at, observed.generated_at,
    observed.metadata_id
FROM observed
WHERE observed.current_id IS NULL
    OR (
        observed.current_id <> observed.metadata_id
        AND observed.generated_at > observed.last_generated_at
    )
