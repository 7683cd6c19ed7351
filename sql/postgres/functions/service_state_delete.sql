/*
 * Purpose:    Delete rows of service state.
 * Parameters: service_names, state_types, state_keys: one row each
 * Result:     rows that existed
 * Caller:     programs beside ours
 * Locks:      rows in the order of their keys
 */
CREATE OR REPLACE FUNCTION service_state_delete(
    service_names TEXT[], state_types TEXT[], state_keys TEXT[]
) RETURNS INTEGER
LANGUAGE sql VOLATILE SECURITY INVOKER
SET search_path = public, pg_temp
AS $$
    WITH found AS (
        SELECT s.service_name, s.state_type, s.state_key
        FROM service_state AS s
        WHERE (s.service_name, s.state_type, s.state_key) IN (
            SELECT gone.service_name, gone.state_type, gone.state_key
            FROM unnest(service_names, state_types, state_keys)
                AS gone (service_name, state_type, state_key)
        )
        ORDER BY s.service_name, s.state_type, s.state_key
        FOR UPDATE
    ),
    deleted AS (
        DELETE FROM service_state
        USING found
        WHERE service_state.service_name = found.service_name
            AND service_state.state_type = found.state_type
            AND service_state.state_key = found.state_key
        RETURNING 1
    )
    SELECT count(*)::integer FROM deleted
$$;
