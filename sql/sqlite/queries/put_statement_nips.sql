/*
 * Purpose:    Keep the NIPs that a relay states; those before went with its row.
 * Parameters: $1 relay_id
 *             $2 JSON array of NIPs
 * Result:     none
 * Caller:     FigureStore::refresh_statistics
 * Index:      primary key of relay_statement_nip
 */
INSERT INTO relay_statement_nip (nip, relay_id)
SELECT nips.value, $1 FROM json_each($2) AS nips
