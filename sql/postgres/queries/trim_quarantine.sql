/*
 * Purpose:    Delete all but the newest events in quarantine.
 * Parameters: $1 how many stay
 * Result:     affected rows
 * Caller:     QuarantineStore::quarantine
 * Index:      quarantine_by_time, $1 entries; primary key of quarantine
 */
DELETE FROM quarantine
WHERE id IN (
    SELECT old.id
    FROM quarantine AS old
    ORDER BY old.quarantined_at DESC, old.id DESC
    OFFSET $1
)
