/*
 * Purpose:    Delete rows of service state.
 * Parameters: $1 service_name
 *             $2 state_type
 *             $3 state_keys
 * Result:     affected rows
 * Caller:     StateStore::delete_states
 * Index:      primary key of service_state
 */
DELETE FROM service_state
USING (
    SELECT s.service_name, s.state_type, s.state_key
    FROM service_state AS s
    WHERE s.service_name = $1 AND s.state_type = $2 AND s.state_key = ANY ($3)
    ORDER BY s.state_key
    FOR UPDATE
) AS gone
WHERE service_state.service_name = gone.service_name
    AND service_state.state_type = gone.state_type
    AND service_state.state_key = gone.state_key
