/*
 * Purpose:    Write a row of service state.
 * Parameters: $1 service_name
 *             $2 state_type
 *             $3 state_key
 *             $4 state_value
 *             $5 updated_at
 * Result:     affected rows
 * Caller:     StateStore::put_states
 * Index:      primary key of service_state
 */
INSERT INTO service_state (service_name, state_type, state_key, state_value, updated_at)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (service_name, state_type, state_key) DO UPDATE
SET state_value = excluded.state_value, updated_at = excluded.updated_at
