-- What people see who look in with psql: keys in columns. Reading these changes nothing, and no program relies on them.

CREATE VIEW meter_pki.certificate_keys AS
    SELECT encode(substring(key FROM 1 FOR 20), 'hex') AS issuer,
           encode(substring(key FROM 21), 'hex') AS serial,
           -- Serial numbers of this program begin with the day on which they were drawn.
           date '2020-01-01' + (get_byte(key, 20) * 256 + get_byte(key, 21)) AS drawn_on,
           octet_length(value) AS octets
      FROM meter_pki.certificates
     WHERE octet_length(key) >= 22;

CREATE VIEW meter_pki.expiry_keys AS
    SELECT to_timestamp(('x' || encode(substring(key FROM 1 FOR 8), 'hex'))::bit(64)::bigint
                        # ((1::bit(64) << 63)::bigint)) AS not_after,
           encode(substring(key FROM 9 FOR 20), 'hex') AS issuer,
           encode(substring(key FROM 29), 'hex') AS serial
      FROM meter_pki.expiry;

CREATE VIEW meter_pki.revocation_keys AS
    SELECT encode(substring(key FROM 1 FOR 20), 'hex') AS issuer,
           encode(substring(key FROM 21), 'hex') AS serial
      FROM meter_pki.revocations;

CREATE VIEW meter_pki.audit_keys AS
    SELECT ('x' || encode(key, 'hex'))::bit(64)::bigint AS sequence,
           encode(sha256(value), 'hex') AS head,
           value AS der
      FROM meter_pki.audit;

-- How many octets a keyspace takes with its indexes, all partitions together.
CREATE VIEW meter_pki.sizes AS
    SELECT coalesce(parent.relname, child.relname) AS keyspace,
           count(*) FILTER (WHERE child.relkind = 'r') AS parts,
           sum(pg_total_relation_size(child.oid))::bigint AS octets
      FROM pg_class child
      LEFT JOIN pg_inherits ON inhrelid = child.oid
      LEFT JOIN pg_class parent ON parent.oid = inhparent
     WHERE child.relnamespace = 'meter_pki'::regnamespace AND child.relkind IN ('r', 'p')
     GROUP BY 1;
