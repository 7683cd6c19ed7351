/*
 * Purpose:    Write service state, replacing rows with the same key; of repeats the last one counts.
 * Parameters: service_names, state_types, state_keys, state_values, updated_ats: one row each
 * Result:     rows written, repeats not counted
 * Caller:     programs beside ours
 * Locks:      rows in the order of their keys
 */
CREATE OR REPLACE FUNCTION service_state_upsert(
    service_names TEXT[], state_types TEXT[], state_keys TEXT[], state_values JSONB[],
    updated_ats BIGINT[]
) RETURNS INTEGER
LANGUAGE sql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp
AS $$
    WITH written AS (
        INSERT INTO service_state (service_name, state_type, state_key, state_value, updated_at)
        SELECT DISTINCT ON (new.service_name, new.state_type, new.state_key)
            new.service_name, new.state_type, new.state_key, new.state_value::text, new.updated_at
        FROM unnest(service_names, state_types, state_keys, state_values, updated_ats)
            WITH ORDINALITY
            AS new (service_name, state_type, state_key, state_value, updated_at, position)
        ORDER BY new.service_name, new.state_type, new.state_key, new.position DESC
        ON CONFLICT (service_name, state_type, state_key) DO UPDATE
        SET state_value = excluded.state_value, updated_at = excluded.updated_at
        RETURNING 1
    )
    SELECT count(*)::integer FROM written
$$;
