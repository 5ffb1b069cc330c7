-- The engine's schema, and what has been done to it.
create schema upheld;

create table upheld.migration (
    version integer primary key check (version > 0),
    name text not null,
    -- SHA-256 of the file as it was applied, so that a later edit is noticed.
    digest bytea not null check (octet_length(digest) = 32),
    applied_at timestamptz not null default now()
);

comment on table upheld.migration is 'Migrations of this schema that have been applied.';
