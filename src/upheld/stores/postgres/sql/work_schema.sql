-- Our small schema in a governed database: what is planned, and what is done.
CREATE SCHEMA IF NOT EXISTS upheld_work;
REVOKE ALL ON SCHEMA upheld_work FROM PUBLIC;

-- One run is one batch of erasures in this database. `plan` names its work
-- tables and steps; `sealed` holds the identifiers, encrypted with a key that
-- this database does not have; both go once the run is verified.
CREATE TABLE IF NOT EXISTS upheld_work.run (
    run        text PRIMARY KEY,
    plan       jsonb NOT NULL,
    sealed     bytea NOT NULL,
    planned_at timestamptz NOT NULL DEFAULT now()
);

-- A mark commits with the effect that it tells of, so that a killed run goes
-- on where it was, and counts nothing twice.
CREATE TABLE IF NOT EXISTS upheld_work.mark (
    run   text NOT NULL,
    step  int NOT NULL,
    chunk int NOT NULL,
    rows  bigint NOT NULL,
    at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (run, step, chunk)
);

-- Every change to a row that was not the leavers' own.
CREATE TABLE IF NOT EXISTS upheld_work.changed (
    run         text NOT NULL,
    table_name  text NOT NULL,
    key         text NOT NULL,
    column_name text,
    rule        text NOT NULL
);
CREATE INDEX IF NOT EXISTS changed_run ON upheld_work.changed (run);
