-- The engine's schema as the migrations leave it: read this, never run it in production.
--
-- Written by `python -m upheld.database.migrations`; a test holds it equal to the
-- migrations. To change the schema, add `migrations/NNN_name.sql` and run that again.

set check_function_bodies = false;

CREATE SCHEMA upheld;

CREATE TABLE upheld.migration (
    version integer NOT NULL,
    name text NOT NULL,
    digest bytea NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT migration_digest_check CHECK ((octet_length(digest) = 32)),
    CONSTRAINT migration_version_check CHECK ((version > 0))
);

COMMENT ON TABLE upheld.migration IS 'Migrations of this schema that have been applied.';

ALTER TABLE ONLY upheld.migration
    ADD CONSTRAINT migration_pkey PRIMARY KEY (version);
