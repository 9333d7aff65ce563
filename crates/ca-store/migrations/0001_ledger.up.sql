-- The ledger: one table for each keyspace. Keys and values are the octets that every engine keeps: what they are made of is
-- told where this program defines them, and by the views of step 2 to whoever looks in with psql. Keys sort by their octets.
--
-- The primary keys are what makes serial numbers, idempotency keys and audit records unique, whatever a program does: the triggers
-- below refuse another value for an audit record that is there, and a serial number in `open` that `certificates` has.

CREATE SCHEMA meter_pki;

-- The steps that made this schema, each with the SHA-256 of its text.
CREATE TABLE meter_pki.schema_steps (
    number     integer PRIMARY KEY,
    name       text NOT NULL,
    digest     bytea NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    applied_by text NOT NULL
);

-- Of which form the rows are.
CREATE TABLE meter_pki.ledger (
    one    boolean PRIMARY KEY DEFAULT true CHECK (one),
    format integer NOT NULL
);

-- Who writes locks this row first. Its number counts what was committed.
CREATE TABLE meter_pki.turn (
    one    boolean PRIMARY KEY DEFAULT true CHECK (one),
    number bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO meter_pki.turn (number) VALUES (0);

-- The processes that write. A token is given once: whoever comes back under the same name has another one, and what is written
-- under the one before is refused.
CREATE TABLE meter_pki.nodes (
    token         bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    name          text NOT NULL,
    place         text NOT NULL,                  -- of its directory, which one process has at a time
    fenced        boolean NOT NULL DEFAULT false,
    left_in_order boolean NOT NULL DEFAULT false, -- it said so, and nobody had to find out
    last_turn     bigint NOT NULL DEFAULT 0,      -- the number of the turn that it committed last
    seen_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    skew_ms       bigint NOT NULL,                -- how far its clock is ahead of the database's
    joined_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    version       text NOT NULL,
    schema_least  integer NOT NULL,               -- the steps that its program can work with
    schema_most   integer NOT NULL,
    configuration text NOT NULL                   -- SHA-256 of what all nodes are to have alike, in hexadecimal
) WITH (fillfactor = 10);
CREATE UNIQUE INDEX one_of_each_name ON meter_pki.nodes (name) WHERE NOT fenced;

-- What one node does for all. It is that node's as long as its token is alive.
CREATE TABLE meter_pki.duties (
    name  text PRIMARY KEY,
    token bigint NOT NULL
);

CREATE TABLE meter_pki.meta (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.audit (key bytea PRIMARY KEY, value bytea NOT NULL) PARTITION BY RANGE (key); -- by 16,777,216 records
CREATE TABLE meter_pki.open (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.signing (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.certificates (key bytea PRIMARY KEY, value bytea NOT NULL) PARTITION BY RANGE (key); -- by issuer and 32 days of the serial number
CREATE TABLE meter_pki.titles (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.expiry (key bytea PRIMARY KEY, value bytea NOT NULL) PARTITION BY RANGE (key); -- by 194 days of notAfter
CREATE TABLE meter_pki.keys (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.slots (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.requests (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.revocations (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.uncertain (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.crl_heads (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.crls (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.crl_octets (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.tokens (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.devices (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.device_lists (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.tree (key bytea PRIMARY KEY, value bytea NOT NULL) PARTITION BY RANGE (key); -- by level and 16,777,216 subtrees
CREATE TABLE meter_pki.request_ends (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.waiting (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.waiting_ends (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.waiting_counts (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.transactions (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.transaction_octets (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.transaction_deadlines (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.transaction_ends (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.transaction_counts (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.unconfirmed (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.releases (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.shards (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.shard_revocations (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.changes (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.orders (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.order_parts (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.scheduled (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.scheduled_times (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.blocked (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.device_index (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.device_counts (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.device_history (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.device_credentials (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.device_secrets (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.deliveries (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.delivery_parts (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.delivery_refusals (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.swaps (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.campaigns (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.campaign_members (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.campaign_agenda (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.campaign_counts (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.campaign_places (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.evidence (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.replaced (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.production_orders (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.production_devices (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.production_lists (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.production_stations (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.day_counts (key bytea PRIMARY KEY, value bytea NOT NULL) WITH (fillfactor = 50); -- each group writes the rows of its days
CREATE TABLE meter_pki.people (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.person_credentials (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.visits (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.visit_units (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.calls (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.call_ends (key bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE meter_pki.call_octets (key bytea PRIMARY KEY, value bytea NOT NULL);

-- Octets of a CRL are not worth compressing, and most other values are short.
ALTER TABLE meter_pki.crl_octets ALTER COLUMN value SET STORAGE EXTERNAL;

-- Rows that change with every commit, or come and go.
ALTER TABLE meter_pki.meta SET (fillfactor = 10);
ALTER TABLE meter_pki.open SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
ALTER TABLE meter_pki.signing SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);

-- A serial number is used once: what has ended in `certificates` never opens again.
CREATE FUNCTION meter_pki.serial_is_unused() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM meter_pki.certificates WHERE key = NEW.key) THEN
        RAISE unique_violation USING MESSAGE = 'the serial number is used', TABLE = 'open', SCHEMA = 'meter_pki';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER serial_is_unused BEFORE INSERT ON meter_pki.open
    FOR EACH ROW EXECUTE FUNCTION meter_pki.serial_is_unused();

-- An audit record stays as it is.
CREATE FUNCTION meter_pki.record_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE restrict_violation USING MESSAGE = 'an audit record stays as it is', TABLE = 'audit', SCHEMA = 'meter_pki';
END
$$;
CREATE TRIGGER record_stays BEFORE UPDATE ON meter_pki.audit
    FOR EACH ROW EXECUTE FUNCTION meter_pki.record_stays();
