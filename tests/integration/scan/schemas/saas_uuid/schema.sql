-- A project tracker for teams. Ids are UUIDs; rows are deleted softly.
-- Foreign keys stand inside one service's tables; links between services are bare ids.

CREATE TABLE schema_migrations (
    version     text PRIMARY KEY,
    applied_at  timestamptz NOT NULL DEFAULT now()
);

-- Whoever acts: people, and the service accounts and bots of integrations.
CREATE TABLE actor (
    id              uuid PRIMARY KEY,
    kind            text NOT NULL DEFAULT 'human' CHECK (kind IN ('human', 'service', 'bot')),
    email           text,
    username        text NOT NULL,
    full_name       text,
    phone_e164      text,
    avatar_url      text,
    locale          text NOT NULL DEFAULT 'en',
    timezone        text,
    password_digest text,
    traits          jsonb NOT NULL DEFAULT '{}',
    last_seen_at    timestamptz,
    created_at      timestamptz NOT NULL,
    deleted_at      timestamptz
);
CREATE UNIQUE INDEX actor_email_key ON actor (lower(email)) WHERE deleted_at IS NULL;

CREATE TABLE identity (
    id          uuid PRIMARY KEY,
    actor_id    uuid NOT NULL REFERENCES actor,
    provider    text NOT NULL,
    subject     text NOT NULL,
    raw         jsonb NOT NULL,
    created_at  timestamptz NOT NULL,
    UNIQUE (provider, subject)
);

CREATE TABLE session (
    id          uuid PRIMARY KEY,
    actor_id    uuid NOT NULL REFERENCES actor ON DELETE CASCADE,
    device_id   text,
    ip          inet,
    user_agent  text,
    created_at  timestamptz NOT NULL,
    revoked_at  timestamptz
);

CREATE TABLE api_token (
    id              uuid PRIMARY KEY,
    owner           uuid NOT NULL,
    label           text NOT NULL,
    token_prefix    char(8) NOT NULL,
    token_hash      bytea NOT NULL,
    scopes          text[] NOT NULL,
    last_used_ip    inet,
    last_used_at    timestamptz,
    deleted_at      timestamptz
);

CREATE TABLE workspace (
    id          uuid PRIMARY KEY,
    slug        text NOT NULL UNIQUE,
    name        text NOT NULL,
    plan        text NOT NULL,
    created_by  uuid NOT NULL,
    settings    jsonb NOT NULL DEFAULT '{}',
    created_at  timestamptz NOT NULL,
    deleted_at  timestamptz
);

CREATE TABLE membership (
    workspace_id    uuid NOT NULL REFERENCES workspace,
    actor_id        uuid NOT NULL REFERENCES actor,
    role            text NOT NULL,
    invited_by      uuid,
    joined_at       timestamptz NOT NULL,
    deleted_at      timestamptz,
    PRIMARY KEY (workspace_id, actor_id)
);

CREATE TABLE invitation (
    id              uuid PRIMARY KEY,
    workspace_id    uuid NOT NULL REFERENCES workspace,
    email           text NOT NULL,
    token_digest    text NOT NULL,
    invited_by      uuid NOT NULL REFERENCES actor,
    accepted_by     uuid,
    expires_at      timestamptz NOT NULL
);

CREATE TABLE project (
    id              uuid PRIMARY KEY,
    workspace_id    uuid NOT NULL REFERENCES workspace,
    key             text NOT NULL,
    name            text NOT NULL,
    lead            uuid,
    created_by      uuid NOT NULL,
    created_at      timestamptz NOT NULL,
    archived_at     timestamptz,
    UNIQUE (workspace_id, key)
);

CREATE TABLE task (
    id          uuid PRIMARY KEY,
    project_id  uuid NOT NULL REFERENCES project,
    parent_id   uuid REFERENCES task,
    number      integer NOT NULL,
    title       text NOT NULL,
    description text,
    state       text NOT NULL,
    created_by  uuid NOT NULL REFERENCES actor,
    assignee    uuid,
    watchers    uuid[] NOT NULL DEFAULT '{}',
    properties  jsonb NOT NULL DEFAULT '{}',
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    deleted_at  timestamptz,
    UNIQUE (project_id, number)
);

CREATE TABLE comment (
    id              uuid PRIMARY KEY,
    resource_type   text NOT NULL,
    resource_id     uuid NOT NULL,
    author_id       uuid NOT NULL REFERENCES actor,
    body            text NOT NULL,
    mentions        uuid[] NOT NULL DEFAULT '{}',
    meta            jsonb NOT NULL DEFAULT '{}',
    created_at      timestamptz NOT NULL,
    deleted_at      timestamptz
);

CREATE TABLE attachment (
    id              uuid PRIMARY KEY,
    resource_type   text NOT NULL,
    resource_id     uuid NOT NULL,
    uploaded_by     uuid,
    storage_key     text NOT NULL UNIQUE,
    file_name       text NOT NULL,
    content_type    text NOT NULL,
    byte_size       bigint NOT NULL,
    created_at      timestamptz NOT NULL
);

CREATE TABLE billing_customer (
    id                      uuid PRIMARY KEY,
    workspace_id            uuid NOT NULL REFERENCES workspace,
    external_id             text NOT NULL UNIQUE,
    billing_email           text NOT NULL,
    legal_name              text NOT NULL,
    tax_id                  text,
    address                 jsonb NOT NULL,
    default_payment_method  jsonb
);

CREATE TABLE invoice (
    id              uuid PRIMARY KEY,
    customer        uuid NOT NULL,
    number          text NOT NULL UNIQUE,
    external_id     text NOT NULL,
    total_cents     integer NOT NULL,
    currency        char(3) NOT NULL,
    issued_at       date NOT NULL,
    paid_at         timestamptz
);

CREATE TABLE event (
    id              uuid NOT NULL,
    occurred_at     timestamptz NOT NULL,
    workspace_id    uuid,
    actor_id        uuid,
    anonymous_id    text,
    name            text NOT NULL,
    resource_type   text,
    resource_id     uuid,
    properties      jsonb NOT NULL DEFAULT '{}',
    context         jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (id, occurred_at)
) PARTITION BY RANGE (occurred_at);
CREATE TABLE event_2026_01 PARTITION OF event FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE event_2026_02 PARTITION OF event FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
CREATE TABLE event_2026_03 PARTITION OF event FOR VALUES FROM ('2026-03-01') TO ('2026-04-01');
CREATE TABLE event_default PARTITION OF event DEFAULT;

CREATE TABLE audit_entry (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at              timestamptz NOT NULL,
    workspace_id    uuid NOT NULL,
    actor_id        uuid,
    action          text NOT NULL,
    resource_type   text NOT NULL,
    resource_id     uuid NOT NULL,
    source_ip       inet,
    diff            jsonb
);

CREATE TABLE notification (
    id          uuid PRIMARY KEY,
    recipient   uuid NOT NULL REFERENCES actor,
    kind        text NOT NULL,
    payload     jsonb NOT NULL,
    created_at  timestamptz NOT NULL,
    read_at     timestamptz
);

-- Also of people who never signed up: leads of the marketing site.
CREATE TABLE email_preference (
    address         text PRIMARY KEY,
    unsubscribed    text[] NOT NULL DEFAULT '{}',
    utm             jsonb NOT NULL DEFAULT '{}',
    updated_at      timestamptz NOT NULL
);

CREATE TABLE webhook_endpoint (
    id              uuid PRIMARY KEY,
    workspace_id    uuid NOT NULL REFERENCES workspace,
    url             text NOT NULL,
    signing_secret  text NOT NULL,
    events          text[] NOT NULL,
    enabled         boolean NOT NULL DEFAULT true
);

CREATE TABLE feature_flag (
    key         text PRIMARY KEY,
    enabled     boolean NOT NULL DEFAULT false,
    rollout     numeric(4,3) NOT NULL DEFAULT 0,
    rules       jsonb NOT NULL DEFAULT '[]',
    updated_at  timestamptz NOT NULL
);
