/*
 * Purpose:    Delete tombstones that hold nothing back any more.
 * Parameters: $1 now
 *             $2 limit
 * Result:     affected rows
 * Caller:     CandidateStore::delete_expired_tombstones
 * Index:      candidate_tombstone_by_expiry
 */
DELETE FROM candidate_tombstone
WHERE ctid = ANY (ARRAY(
    SELECT old.ctid
    FROM candidate_tombstone AS old
    WHERE old.expires_at <= $1
    ORDER BY old.expires_at
    LIMIT $2
    FOR UPDATE SKIP LOCKED
))
