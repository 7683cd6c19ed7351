/*
 * Purpose:    Read one row of service state.
 * Parameters: $1 service_name
 *             $2 state_type
 *             $3 state_key
 * Result:     at most one of state_key, state_value, updated_at
 * Caller:     StateStore::state
 * Index:      primary key of service_state
 */
SELECT state_key, state_value, updated_at
FROM service_state
WHERE service_name = $1 AND state_type = $2 AND state_key = $3
