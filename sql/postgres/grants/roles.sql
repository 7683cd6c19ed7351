/*
 * Purpose:    The roles that people and programs log in as, made when they are missing and whoever migrates
 *             may make roles. They have no password yet, so nobody gets in as one of them.
 *             admin      migrates, and may do everything in this database
 *             writer     the services: reads and writes rows, and changes no object
 *             refresher  owns the materialized views, so that it can refresh them, and reads the rest
 *             reader     reads
 */
DO $$
DECLARE
    wanted TEXT;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['admin', 'writer', 'refresher', 'reader'] LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = wanted);
        BEGIN
            EXECUTE format('CREATE ROLE %I LOGIN', wanted);
        EXCEPTION
            WHEN insufficient_privilege THEN
                RAISE NOTICE 'role % is missing, and % may not make it', wanted, current_user;
            WHEN duplicate_object OR unique_violation THEN
                NULL; -- Roles belong to the whole server: another database was migrated just now.
        END;
    END LOOP;
END
$$;
