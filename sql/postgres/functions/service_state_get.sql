/*
 * Purpose:    Read the state of a service: one row by its key, or all of a type, oldest first.
 * Parameters: service, type, key (null for all)
 * Result:     state_key, state_value, updated_at
 * Caller:     people and programs beside ours
 */
CREATE OR REPLACE FUNCTION service_state_get(service TEXT, type TEXT, key TEXT DEFAULT NULL)
RETURNS TABLE (state_key TEXT, state_value JSONB, updated_at BIGINT)
LANGUAGE sql STABLE SECURITY INVOKER
SET search_path = public, pg_temp
AS $$
    SELECT s.state_key, readable_json(s.state_value), s.updated_at
    FROM service_state AS s
    WHERE s.service_name = service AND s.state_type = type AND (key IS NULL OR s.state_key = key)
    ORDER BY s.updated_at, s.state_key
$$;
