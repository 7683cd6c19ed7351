/*
 * Purpose:    Hand the materialized views to refresher: only its owner may refresh one, before PostgreSQL 17
 *             and its MAINTAIN. Where whoever migrates may not, the views stay theirs to refresh.
 */
DO $$
DECLARE
    materialized REGCLASS;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'refresher') THEN
        RETURN;
    END IF;
    BEGIN
        IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
            GRANT refresher TO CURRENT_USER;
        END IF;
        -- The new owner of a view must be able to make one, for as long as this takes.
        GRANT CREATE ON SCHEMA public TO refresher;
        FOR materialized IN
            SELECT c.oid FROM pg_class AS c
            WHERE c.relnamespace = 'public'::regnamespace
                AND c.relkind = 'm'
                AND pg_has_role(c.relowner, 'USAGE')
        LOOP
            EXECUTE format('ALTER MATERIALIZED VIEW %s OWNER TO refresher', materialized);
        END LOOP;
        REVOKE CREATE ON SCHEMA public FROM refresher;
    EXCEPTION
        WHEN insufficient_privilege THEN
            RAISE NOTICE 'materialized views stay with %', current_user;
    END;
END
$$;
