-- The engine's schema as the migrations leave it: read this, never run it in production.
--
-- Written by `python -m upheld.database.migrations`; a test holds it equal to the
-- migrations. To change the schema, add `migrations/NNN_name.sql` and run that again.

set check_function_bodies = false;

CREATE SCHEMA upheld;

CREATE FUNCTION upheld.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END;
$$;

CREATE TABLE upheld.batch (
    id uuid NOT NULL,
    "right" text NOT NULL,
    state text NOT NULL,
    sealed bytea,
    received_at timestamp with time zone NOT NULL,
    done_at timestamp with time zone,
    outcome jsonb,
    CONSTRAINT batch_check CHECK (((state = 'done'::text) = (done_at IS NOT NULL))),
    CONSTRAINT batch_check1 CHECK (((state <> 'done'::text) OR (sealed IS NULL))),
    CONSTRAINT batch_right_check CHECK (("right" = ANY (ARRAY['access'::text, 'erase'::text]))),
    CONSTRAINT batch_state_check CHECK ((state = ANY (ARRAY['received'::text, 'planned'::text, 'proved'::text, 'done'::text])))
);

CREATE TABLE upheld.checkpoint (
    id bigint NOT NULL,
    tree_size bigint NOT NULL,
    root bytea NOT NULL,
    note bytea NOT NULL,
    signed_at timestamp with time zone NOT NULL,
    CONSTRAINT checkpoint_root_check CHECK ((octet_length(root) = 32)),
    CONSTRAINT checkpoint_tree_size_check CHECK ((tree_size > 0))
);

ALTER TABLE upheld.checkpoint ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME upheld.checkpoint_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE upheld.erased (
    identifier bytea NOT NULL,
    request uuid NOT NULL,
    CONSTRAINT erased_identifier_check CHECK ((octet_length(identifier) = 32))
);

CREATE TABLE upheld.leaf (
    id bigint NOT NULL,
    "position" bigint,
    dedupe text NOT NULL,
    body bytea NOT NULL,
    leaf_hash bytea NOT NULL,
    written_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT leaf_hash_honest CHECK ((leaf_hash = sha256(('\x00'::bytea || body)))),
    CONSTRAINT leaf_position_check CHECK (("position" >= 0))
);

ALTER TABLE upheld.leaf ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME upheld.leaf_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE upheld.masked_object (
    batch uuid NOT NULL,
    store text NOT NULL,
    key text NOT NULL
);

CREATE TABLE upheld.migration (
    version integer NOT NULL,
    name text NOT NULL,
    digest bytea NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT migration_digest_check CHECK ((octet_length(digest) = 32)),
    CONSTRAINT migration_version_check CHECK ((version > 0))
);

COMMENT ON TABLE upheld.migration IS 'Migrations of this schema that have been applied.';

CREATE TABLE upheld.request (
    id uuid NOT NULL,
    batch uuid NOT NULL,
    n integer NOT NULL,
    leaf bigint
);

CREATE TABLE upheld.tree_node (
    level smallint NOT NULL,
    index bigint NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT tree_node_hash_check CHECK ((octet_length(hash) = 32)),
    CONSTRAINT tree_node_index_check CHECK ((index >= 0)),
    CONSTRAINT tree_node_level_check CHECK (((level >= 0) AND (level <= 62)))
);

ALTER TABLE ONLY upheld.batch
    ADD CONSTRAINT batch_pkey PRIMARY KEY (id);

ALTER TABLE ONLY upheld.checkpoint
    ADD CONSTRAINT checkpoint_pkey PRIMARY KEY (id);

ALTER TABLE ONLY upheld.checkpoint
    ADD CONSTRAINT checkpoint_tree_size_key UNIQUE (tree_size);

ALTER TABLE ONLY upheld.erased
    ADD CONSTRAINT erased_pkey PRIMARY KEY (identifier, request);

ALTER TABLE ONLY upheld.leaf
    ADD CONSTRAINT leaf_dedupe_key UNIQUE (dedupe);

ALTER TABLE ONLY upheld.leaf
    ADD CONSTRAINT leaf_pkey PRIMARY KEY (id);

ALTER TABLE ONLY upheld.leaf
    ADD CONSTRAINT leaf_position_key UNIQUE ("position");

ALTER TABLE ONLY upheld.masked_object
    ADD CONSTRAINT masked_object_pkey PRIMARY KEY (batch, store, key);

ALTER TABLE ONLY upheld.migration
    ADD CONSTRAINT migration_pkey PRIMARY KEY (version);

ALTER TABLE ONLY upheld.request
    ADD CONSTRAINT request_batch_n_key UNIQUE (batch, n);

ALTER TABLE ONLY upheld.request
    ADD CONSTRAINT request_pkey PRIMARY KEY (id);

ALTER TABLE ONLY upheld.tree_node
    ADD CONSTRAINT tree_node_pkey PRIMARY KEY (level, index);

CREATE INDEX batch_open ON upheld.batch USING btree (received_at) WHERE (state <> 'done'::text);

CREATE INDEX leaf_unnumbered ON upheld.leaf USING btree (id) WHERE ("position" IS NULL);

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON upheld.checkpoint FOR EACH STATEMENT EXECUTE FUNCTION upheld.refuse_change();

ALTER TABLE upheld.checkpoint ENABLE ALWAYS TRIGGER append_only;

CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON upheld.leaf FOR EACH STATEMENT EXECUTE FUNCTION upheld.refuse_change();

ALTER TABLE upheld.leaf ENABLE ALWAYS TRIGGER append_only;

CREATE TRIGGER append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON upheld.tree_node FOR EACH STATEMENT EXECUTE FUNCTION upheld.refuse_change();

ALTER TABLE upheld.tree_node ENABLE ALWAYS TRIGGER append_only;

CREATE TRIGGER number_once BEFORE UPDATE ON upheld.leaf FOR EACH ROW WHEN (((old."position" IS NOT NULL) OR (new."position" IS NULL) OR (((((new.id IS DISTINCT FROM old.id) OR (new.dedupe IS DISTINCT FROM old.dedupe)) OR (new.body IS DISTINCT FROM old.body)) OR (new.leaf_hash IS DISTINCT FROM old.leaf_hash)) OR (new.written_at IS DISTINCT FROM old.written_at)))) EXECUTE FUNCTION upheld.refuse_change();

ALTER TABLE upheld.leaf ENABLE ALWAYS TRIGGER number_once;

ALTER TABLE ONLY upheld.erased
    ADD CONSTRAINT erased_request_fkey FOREIGN KEY (request) REFERENCES upheld.request(id);

ALTER TABLE ONLY upheld.masked_object
    ADD CONSTRAINT masked_object_batch_fkey FOREIGN KEY (batch) REFERENCES upheld.batch(id);

ALTER TABLE ONLY upheld.request
    ADD CONSTRAINT request_batch_fkey FOREIGN KEY (batch) REFERENCES upheld.batch(id);

ALTER TABLE ONLY upheld.request
    ADD CONSTRAINT request_leaf_fkey FOREIGN KEY (leaf) REFERENCES upheld.leaf(id);
