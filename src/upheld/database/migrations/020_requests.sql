-- Requests, the batches that carry them out, and the ledger of who was erased.

CREATE TABLE upheld.batch (
    id          uuid PRIMARY KEY,
    "right"     text NOT NULL CHECK ("right" IN ('access', 'erase')),
    state       text NOT NULL CHECK (state IN ('received', 'planned', 'proved', 'done')),
    -- What was asked, sealed with a key outside the database; destroyed when done.
    sealed      bytea,
    received_at timestamptz NOT NULL,
    done_at     timestamptz,
    outcome     jsonb,
    CHECK ((state = 'done') = (done_at IS NOT NULL)),
    CHECK (state <> 'done' OR sealed IS NULL)
);
CREATE INDEX batch_open ON upheld.batch (received_at) WHERE state <> 'done';

CREATE TABLE upheld.request (
    id    uuid PRIMARY KEY,
    batch uuid NOT NULL REFERENCES upheld.batch,
    -- The person's number in the batch.
    n     int NOT NULL,
    leaf  bigint REFERENCES upheld.leaf,
    UNIQUE (batch, n)
);

-- Keyed hashes of identifiers of people who were erased, and by which request:
-- so that the same receipt can be issued again, and a restored backup cleaned.
-- The key is outside the database.
CREATE TABLE upheld.erased (
    identifier bytea NOT NULL CHECK (octet_length(identifier) = 32),
    request    uuid NOT NULL REFERENCES upheld.request,
    PRIMARY KEY (identifier, request)
);

-- Objects that a running batch rewrites, noted before it does: so that the report
-- of a run that was killed tells of them too. Emptied when the batch is done.
CREATE TABLE upheld.masked_object (
    batch uuid NOT NULL REFERENCES upheld.batch,
    store text NOT NULL,
    key   text NOT NULL,
    PRIMARY KEY (batch, store, key)
);
