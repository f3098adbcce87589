-- The ledger's tables, version 1. `ledger.` stands for the schema they are in.
-- docs/ledger.md says what each column means.
CREATE TABLE ledger.version (
    version integer NOT NULL
);
CREATE TABLE ledger.runs (
    run text PRIMARY KEY,
    target_schema text NOT NULL,
    mode text NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'done', 'failed', 'abandoned', 'undone')),
    reason text,
    archive_root text NOT NULL,
    content_root text NOT NULL,
    plan_digest text NOT NULL,
    staging_schema text NOT NULL,
    backup_schema text,
    tool_version text NOT NULL,
    role text NOT NULL DEFAULT session_user,
    client text,
    started timestamptz NOT NULL DEFAULT clock_timestamp(),
    ended timestamptz,
    tables bigint NOT NULL,
    rows bigint NOT NULL,
    bytes bigint NOT NULL,
    undoes text
);
CREATE UNIQUE INDEX waybill_runs_open ON ledger.runs (target_schema) WHERE state = 'open';
CREATE TABLE ledger.workers (
    run text NOT NULL REFERENCES ledger.runs ON DELETE CASCADE,
    worker text NOT NULL,
    client text,
    backend integer NOT NULL,
    backend_start timestamptz,
    started timestamptz NOT NULL DEFAULT clock_timestamp(),
    lease timestamptz NOT NULL,
    PRIMARY KEY (run, worker)
);
CREATE TABLE ledger.steps (
    run text NOT NULL REFERENCES ledger.runs ON DELETE CASCADE,
    step bigint NOT NULL,
    kind text NOT NULL,
    "table" text,
    item bigint,
    done boolean NOT NULL DEFAULT false,
    attempt integer NOT NULL DEFAULT 0,
    worker text,
    backend integer,
    backend_start timestamptz,
    begun timestamptz,
    ended timestamptz,
    xid xid8,
    rows bigint,
    result text,
    PRIMARY KEY (run, step)
) WITH (fillfactor = 50);
CREATE INDEX waybill_steps_done ON ledger.steps (run, xid) WHERE done;
CREATE TABLE ledger.objects (
    run text NOT NULL REFERENCES ledger.runs ON DELETE CASCADE,
    role text NOT NULL CHECK (role IN ('brought', 'kept')),
    kind text NOT NULL,
    name text NOT NULL,
    id oid NOT NULL,
    rows bigint,
    since xid8,
    PRIMARY KEY (run, role, kind, name)
);
CREATE TABLE ledger.written (
    run text NOT NULL REFERENCES ledger.runs ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('table', 'sequence')),
    id oid NOT NULL,
    home text NOT NULL,
    name text NOT NULL,
    key text,
    rows bigint,
    kept bigint,
    last_value bigint,
    is_called boolean,
    left_value bigint,
    left_called boolean,
    PRIMARY KEY (run, kind, id)
);
CREATE TABLE ledger.followed (
    run text NOT NULL REFERENCES ledger.runs ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('view', 'publication')),
    id oid NOT NULL,
    "table" text NOT NULL,
    before text NOT NULL,
    "left" text NOT NULL,
    PRIMARY KEY (run, kind, id, "table")
);
INSERT INTO ledger.version VALUES (1);
