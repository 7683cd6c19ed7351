-- Brings one of the views up to date, for those who may not as they do not own it: SECURITY DEFINER, for the writer
-- is a service that refreshes, and less than the views' owner in everything else.
--
-- Parameters: the view's name. Caller: refresh_statistics, over a direct connection.
CREATE OR REPLACE FUNCTION statistics_refresh(view_name TEXT) RETURNS VOID
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = public, pg_temp
AS $$
BEGIN
    IF to_regprocedure(format('public.%I()', view_name || '_refresh')) IS NULL THEN
        RAISE EXCEPTION 'no view % is refreshed', quote_ident(view_name) USING ERRCODE = 'undefined_table';
    END IF;
    EXECUTE format('SELECT public.%I()', view_name || '_refresh');
END
$$;
