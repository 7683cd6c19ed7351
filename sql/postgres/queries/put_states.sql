/*
 * Purpose:    Write rows of service state.
 * Parameters: $1 service_names
 *             $2 state_types
 *             $3 state_keys
 *             $4 state_values
 *             $5 moments; together one row each, no key twice
 * Result:     affected rows
 * Caller:     StateStore::put_states
 * Index:      primary key of service_state
 */
INSERT INTO service_state (service_name, state_type, state_key, state_value, updated_at)
SELECT new.service_name, new.state_type, new.state_key, new.state_value, new.updated_at
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[])
    AS new (service_name, state_type, state_key, state_value, updated_at)
ORDER BY new.service_name, new.state_type, new.state_key
ON CONFLICT (service_name, state_type, state_key) DO UPDATE
SET state_value = excluded.state_value, updated_at = excluded.updated_at
