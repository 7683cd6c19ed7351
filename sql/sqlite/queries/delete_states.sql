/*
 * Purpose:    Delete rows of service state.
 * Parameters: $1 service_name
 *             $2 state_type
 *             $3 JSON array of keys
 * Result:     affected rows
 * Caller:     StateStore::delete_states
 * Index:      primary key of service_state
 */
DELETE FROM service_state
WHERE service_name = $1
    AND state_type = $2
    AND state_key IN (SELECT gone.value FROM json_each($3) AS gone)
