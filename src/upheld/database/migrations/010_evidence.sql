-- The evidence log: leaves, the nodes of their Merkle tree (RFC 9162) and signed checkpoints.
-- All three are append-only. The triggers stop mistakes, and fire in replica mode too;
-- against an owner who drops them stand the signatures (`upheld log verify`).

CREATE TABLE upheld.leaf (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Set once, by the sequencer: writers never wait for each other's numbers.
    position   bigint UNIQUE CHECK (position >= 0),
    -- Names the fact, so that a resumed run logs it once. Never personal data.
    dedupe     text NOT NULL UNIQUE,
    body       bytea NOT NULL,
    leaf_hash  bytea NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT leaf_hash_honest CHECK (leaf_hash = sha256('\x00'::bytea || body))
);

CREATE INDEX leaf_unnumbered ON upheld.leaf (id) WHERE position IS NULL;

-- The root of the complete subtree over leaves [index << level, (index + 1) << level).
CREATE TABLE upheld.tree_node (
    level smallint NOT NULL CHECK (level BETWEEN 0 AND 62),
    index bigint NOT NULL CHECK (index >= 0),
    hash  bytea NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (level, index)
);

CREATE TABLE upheld.checkpoint (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tree_size bigint NOT NULL UNIQUE CHECK (tree_size > 0),
    root      bytea NOT NULL CHECK (octet_length(root) = 32),
    -- A C2SP signed note.
    note      bytea NOT NULL,
    signed_at timestamptz NOT NULL
);

CREATE FUNCTION upheld.refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_SCHEMA || '.' || TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END;
$$;

CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON upheld.leaf
    FOR EACH STATEMENT EXECUTE FUNCTION upheld.refuse_change();
CREATE TRIGGER number_once BEFORE UPDATE ON upheld.leaf FOR EACH ROW
    WHEN (OLD.position IS NOT NULL OR NEW.position IS NULL
          OR (NEW.id, NEW.dedupe, NEW.body, NEW.leaf_hash, NEW.written_at)
             IS DISTINCT FROM (OLD.id, OLD.dedupe, OLD.body, OLD.leaf_hash, OLD.written_at))
    EXECUTE FUNCTION upheld.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON upheld.tree_node
    FOR EACH STATEMENT EXECUTE FUNCTION upheld.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON upheld.checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION upheld.refuse_change();

ALTER TABLE upheld.leaf ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE upheld.leaf ENABLE ALWAYS TRIGGER number_once;
ALTER TABLE upheld.tree_node ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE upheld.checkpoint ENABLE ALWAYS TRIGGER append_only;
