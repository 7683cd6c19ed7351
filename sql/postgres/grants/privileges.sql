/*
 * Purpose:    What each role may do, now and with what is made later: no more than it must. Roles that do not
 *             exist are passed over, and so is what belongs to somebody else, e.g. to an extension.
 */
DO $$
DECLARE
    admins CONSTANT TEXT := (SELECT string_agg(rolname, ', ') FROM pg_roles WHERE rolname = 'admin');
    writers CONSTANT TEXT := (SELECT string_agg(rolname, ', ') FROM pg_roles WHERE rolname = 'writer');
    others CONSTANT TEXT := (
        SELECT string_agg(rolname, ', ') FROM pg_roles WHERE rolname IN ('refresher', 'reader')
    );
    everybody CONSTANT TEXT := concat_ws(', ', admins, writers, others);
    bookkeeping CONSTANT TEXT[] := ARRAY['_sqlx_migrations', 'schema_object'];
    object RECORD;
BEGIN
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;
    ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
    IF everybody = '' THEN
        RETURN;
    END IF;
    EXECUTE format('GRANT USAGE ON SCHEMA public, nostr TO %s', everybody);
    EXECUTE format(
        'ALTER DEFAULT PRIVILEGES IN SCHEMA public, nostr GRANT SELECT ON TABLES TO %s', everybody
    );
    EXECUTE format(
        'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO %s', everybody
    );
    IF writers IS NOT NULL THEN
        EXECUTE format(
            'ALTER DEFAULT PRIVILEGES IN SCHEMA public
                GRANT INSERT, UPDATE, DELETE ON TABLES TO %s', writers
        );
        EXECUTE format(
            'ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO %s', writers
        );
    END IF;
    IF admins IS NOT NULL THEN
        EXECUTE format('GRANT CREATE ON SCHEMA public, nostr TO %s', admins);
        EXECUTE format(
            'ALTER DEFAULT PRIVILEGES IN SCHEMA public, nostr GRANT ALL ON TABLES TO %s', admins
        );
    END IF;

    FOR object IN
        SELECT c.oid::regclass AS name, c.relname, c.relkind, n.nspname
        FROM pg_class AS c
        INNER JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname IN ('public', 'nostr')
            AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
            AND pg_has_role(c.relowner, 'USAGE')
    LOOP
        IF object.relkind = 'S' THEN
            IF writers IS NOT NULL THEN
                EXECUTE format('GRANT USAGE ON SEQUENCE %s TO %s', object.name, writers);
            END IF;
            CONTINUE;
        END IF;
        EXECUTE format('GRANT SELECT ON %s TO %s', object.name, everybody);
        IF admins IS NOT NULL THEN
            EXECUTE format('GRANT ALL ON %s TO %s', object.name, admins);
        END IF;
        IF writers IS NULL THEN
            CONTINUE;
        ELSIF object.relkind IN ('r', 'p') AND object.relname <> ALL (bookkeeping) THEN
            EXECUTE format('GRANT INSERT, UPDATE, DELETE ON %s TO %s', object.name, writers);
        ELSE
            -- The default privileges do not tell tables from views.
            EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON %s FROM %s', object.name, writers);
        END IF;
    END LOOP;

    FOR object IN
        SELECT p.oid::regprocedure AS name
        FROM pg_proc AS p
        WHERE p.pronamespace = 'public'::regnamespace AND pg_has_role(p.proowner, 'USAGE')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', object.name);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO %s', object.name, everybody);
    END LOOP;

    -- What does more than its caller may is not for those who only read.
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'reader') THEN
        FOR object IN
            SELECT p.oid::regprocedure AS name
            FROM pg_proc AS p
            WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef AND pg_has_role(p.proowner, 'USAGE')
        LOOP
            EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM reader', object.name);
        END LOOP;
    END IF;
END
$$;
