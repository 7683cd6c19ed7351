/*
 * Purpose:    The newest stored version of an address; of several in one second that with the lowest id (NIP-01). Keys
 *             are in that order but for events that took a neighbour's slot, so close ones are compared by id. It runs
 *             once for each address, so it leaves the settings to its callers: setting them again takes longer than the
 *             look-up.
 * Parameters: the address as in event_standing
 * Result:     its eid, NULL when there is none
 * Caller:     event_settle, event_remove
 * Index:      event_standing_by_address
 */
CREATE OR REPLACE FUNCTION current_version(wanted UUID) RETURNS BIGINT
LANGUAGE plpgsql STABLE SECURITY INVOKER
AS $$
DECLARE
    -- Two events with one key are at most 15 slots away from it, each on its side.
    reach CONSTANT BIGINT := 30;
    newest BIGINT[];
BEGIN
    newest := ARRAY(
        SELECT s.eid FROM public.event_standing s
        WHERE s.address = wanted ORDER BY s.eid DESC LIMIT 2);
    IF newest[2] IS NULL OR newest[1] - newest[2] > reach OR newest[1] >> 30 <> newest[2] >> 30 THEN
        RETURN newest[1];
    END IF;
    RETURN (
        SELECT e.eid
        FROM public.event_standing s JOIN public.event e ON e.eid = s.eid
        WHERE s.address = wanted
            AND s.eid BETWEEN greatest(newest[1] - reach, newest[1] >> 30 << 30) AND newest[1]
        ORDER BY e.id LIMIT 1);
END
$$;
