-- Counts what commits stored, sighted and removed, and deletes their rows of event_change: one batch, one
-- transaction. Call it until it returns 0, each time in a transaction of its own.
--
-- One folder at a time: a second one does not wait. It may be called by whoever may refresh the views, which is
-- less than what it does: SECURITY DEFINER.
--
-- Parameters: how many rows of event_change at most. Result: how many were counted; 0 when there is nothing, or
-- when somebody else is at it. Callers: fold_statistics.
CREATE OR REPLACE FUNCTION statistics_fold(max_changes INTEGER) RETURNS BIGINT
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
DECLARE
    until BIGINT;
    folded BIGINT;
    new_authors BIGINT;
    gone_authors BIGINT;
BEGIN
    PERFORM FROM statistics_head FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    SELECT max(c.change), count(*) INTO until, folded
    FROM (SELECT c.change FROM event_change c ORDER BY c.change LIMIT greatest(max_changes, 1)) AS c;
    IF folded = 0 THEN
        RETURN 0;
    END IF;
    new_authors := statistics_take(until);
    PERFORM statistics_fold_events();
    PERFORM statistics_fold_sightings(until);
    DELETE FROM author_counter a
    USING (SELECT DISTINCT f.author_id FROM pg_temp.fold_event f WHERE f.first_removed_at IS NOT NULL) AS f
    WHERE a.author_id = f.author_id AND a.events = 0;
    GET DIAGNOSTICS gone_authors = ROW_COUNT;
    UPDATE statistics_head h SET change = until, authors = h.authors + new_authors - gone_authors;
    DELETE FROM event_change c WHERE c.change <= until;
    DROP TABLE pg_temp.fold_event, pg_temp.fold_sighting, pg_temp.fold_subject;
    RETURN folded;
END
$$;
