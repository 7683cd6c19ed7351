/*
 * Purpose:    Read the state of a service.
 * Parameters: $1 service_name
 *             $2 state_type
 * Result:     rows by key
 * Caller:     StateStore::states
 * Index:      primary key of service_state
 */
SELECT state_key, state_value, updated_at
FROM service_state
WHERE service_name = $1 AND state_type = $2
ORDER BY state_key
