//! The statements, as text. Which of them are sent when, their callers know.

use crate::keyspace::Keyspace;

/// The table of a keyspace.
pub(super) fn table(keyspace: Keyspace) -> String {
    format!("meter_pki.{}", keyspace.name().replace('-', "_"))
}

/// The value of a key.
pub(super) fn value(keyspace: Keyspace) -> String {
    format!("SELECT value FROM {} WHERE key = $1", table(keyspace))
}

/// The rows of many keys.
pub(super) fn values(keyspace: Keyspace) -> String {
    format!("SELECT key, value FROM {} WHERE key = ANY($1)", table(keyspace))
}

/// Where a list of rows begins and ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    /// Whether the first key is in it.
    pub(super) from_included: bool,
    /// Whether there is an end.
    pub(super) has_end: bool,
}

/// Rows in the order of their keys: from $1 on, at most $2, before $3.
pub(super) fn rows(keyspace: Keyspace, Range { from_included, has_end }: Range) -> String {
    let from = if from_included { ">=" } else { ">" };
    let end = if has_end { " AND key < $3" } else { "" };
    format!("SELECT key, value FROM {} WHERE key {from} $1{end} ORDER BY key LIMIT $2", table(keyspace))
}

/// Writes the rows whose keys are $1 and whose values are $2. A trigger refuses another value for an audit record that is there.
pub(super) fn put(keyspace: Keyspace) -> String {
    format!(
        "INSERT INTO {} AS t SELECT * FROM unnest($1::bytea[], $2::bytea[]) \
         ON CONFLICT (key) DO UPDATE SET value = EXCLUDED.value WHERE t.value IS DISTINCT FROM EXCLUDED.value",
        table(keyspace)
    )
}

/// Removes the rows of the keys $1.
pub(super) fn remove(keyspace: Keyspace) -> String {
    format!("DELETE FROM {} WHERE key = ANY($1)", table(keyspace))
}

/// Marks the session, so that every transaction can tell whether it is still on it; returns the timeline beside, which is another one
/// since a standby took over.
pub(super) const MARK_SESSION: &str =
    "SELECT set_config('meter_pki.session', $1, false), left(pg_walfile_name(pg_current_wal_lsn()), 8)";

/// Begins to write.
pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";

/// Takes the turn, and returns its number.
pub(super) const TURN: &str = "SELECT number FROM meter_pki.turn FOR UPDATE";

/// What must be so in a turn of the node with the token $1: its token, whether it is fenced, the last turn that it committed, the
/// mark of its session, and whether commits wait for the disk.
pub(super) const STANDING: &str = "SELECT fenced, last_turn, current_setting('meter_pki.session', true), \
     current_setting('synchronous_commit'), \
     (extract(epoch FROM clock_timestamp()) * 1000)::bigint \
     FROM meter_pki.nodes WHERE token = $1";

/// Counts the turn up to $1.
pub(super) const NEXT_TURN: &str = "UPDATE meter_pki.turn SET number = $1";

/// Notes the turn $2 of the node with the token $1.
pub(super) const NOTE_TURN: &str = "UPDATE meter_pki.nodes SET last_turn = $2, seen_at = clock_timestamp() \
     WHERE token = $1 AND NOT fenced";

/// Begins to read at one point in time. Whoever reads holds up nobody, and may take a minute over what he was given.
pub(super) const BEGIN_READING: &str =
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL idle_in_transaction_session_timeout = '60s'";
