-- What the exchange needs in a PostgreSQL before its first install: three roles, and a schema for each of
-- the two services that own one. Run it in the exchange's database, as a superuser or as a role that may
-- create roles and owns the database; a second run changes nothing:
--
--   psql --dbname "postgres://admin@host/bourse" --set ON_ERROR_STOP=1 --file bootstrap.sql
--
-- Then give each role a password, ALTER ROLE bourse_wallet LOGIN PASSWORD '...': what is made here cannot
-- log in. Tables are not made here: each service migrates its own schema.
--
-- The same as services/local/src/postgres-bootstrap.ts does on one machine; a test compares the two.
DO $bootstrap$
DECLARE
  database text := quote_ident(current_database());
  service record;
BEGIN
  -- Each service has its own schema and no right beside it.
  REVOKE ALL ON SCHEMA public FROM PUBLIC;
  EXECUTE format('REVOKE ALL ON DATABASE %s FROM PUBLIC', database);
  FOR service IN
    -- The auditor owns nothing; the migrations grant it the views that an audit reads.
    SELECT * FROM (VALUES ('bourse_wallet', 'wallet'), ('bourse_orders', 'orders'), ('bourse_auditor', NULL))
      AS services(role, schema)
  LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = service.role) THEN
      EXECUTE format('CREATE ROLE %I', service.role);
    END IF;
    EXECUTE format('REVOKE ALL ON DATABASE %s FROM %I', database, service.role);
    EXECUTE format('GRANT CONNECT ON DATABASE %s TO %I', database, service.role);
    IF service.schema IS NOT NULL THEN
      -- Whoever is no superuser gives away only what is its own role's.
      IF NOT pg_has_role(service.role, 'SET') THEN
        EXECUTE format('GRANT %I TO CURRENT_USER WITH SET TRUE, INHERIT FALSE', service.role);
      END IF;
      EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I AUTHORIZATION %I', service.schema, service.role);
    END IF;
  END LOOP;
END
$bootstrap$;
