//! The port [`CrlScopes`]: which shards there are, who is revoked in each, what changed since when. Each is a walk over an index.

use ca_core::key_ref::KeyRef;
use ca_core::ports::{CrlScopes, Unavailable};
use ca_core::record::{CertificateId, CrlChange, CrlChanges, RevokedEntry};
use ca_core::scope::{CrlKind, CrlLine, CrlScope, Shard};
use ca_core::serial_number::SerialNumber;
use ca_core::validity::UnixTime;

use crate::engine::View;
use crate::keyspace::{
    Keyspace, change_key, changes_prefix, parse_change, parse_scope, parse_shard_revocation, shard_key,
    shard_revocation_key,
};
use crate::row::{CrlHeadRow, ReleaseRow, RevocationRow, Row, ShardRow, TrailRow};
use crate::status_source::known;
use crate::store::Store;
use crate::transaction::{ReadFault, Rows};

const PORT: &str = "status source";

impl CrlScopes for Store {
    fn shards(&self, issuer: &KeyRef, time: UnixTime) -> Result<Vec<Shard>, Unavailable> {
        self.read(PORT, |view| {
            let mut shards = Vec::new();
            for (key, octets) in view.rows_after(Keyspace::Shards, issuer.octets(), &[], usize::MAX)? {
                let (_, scope) = known(parse_scope(&key), Keyspace::Shards)?;
                let in_use = ShardRow::decode(&octets)?.last_not_after >= time;
                shards.extend(scope.shard().filter(|_| in_use).cloned());
            }
            Ok(shards)
        })
    }

    fn revoked_in(
        &self,
        (issuer, shard): (&KeyRef, &Shard),
        after: Option<&SerialNumber>,
        limit: usize,
    ) -> Result<Vec<RevokedEntry>, Unavailable> {
        let prefix = shard_key(issuer, shard);
        let after = after.map(|serial| shard_revocation_key(issuer, shard, serial)).unwrap_or_default();
        self.read(PORT, |view| {
            let keys = view.rows_after(Keyspace::ShardRevocations, &prefix, &after, limit)?;
            let listed = |key: &[u8]| -> Result<RevokedEntry, ReadFault> {
                let (id, _) = known(parse_shard_revocation(key), Keyspace::ShardRevocations)?;
                Ok(known(entry(view, &id)?, Keyspace::ShardRevocations)?)
            };
            keys.iter().map(|(key, _)| listed(key)).collect()
        })
    }

    fn changes(
        &self,
        (issuer, scope): (&KeyRef, &CrlScope),
        after: u64,
        limit: usize,
    ) -> Result<CrlChanges, Unavailable> {
        let (prefix, after) = (changes_prefix(issuer, scope), change_key(issuer, scope, after));
        self.read(PORT, |view| {
            let seen = view.row::<TrailRow>(&())?.map_or(0, |TrailRow(trail)| trail.sequence());
            let mut changes = Vec::new();
            for (key, octets) in view.rows_after(Keyspace::Changes, &prefix, &after, limit)? {
                let sequence = known(parse_change(&key), Keyspace::Changes)?;
                let serial = known(SerialNumber::from_octets(&octets).ok(), Keyspace::Changes)?;
                let id = CertificateId { issuer: *issuer, serial };
                let entry = entry(view, &id)?;
                changes.push(CrlChange { sequence, serial: id.serial, entry });
            }
            Ok(CrlChanges { seen, changes })
        })
    }

    fn last_numbers(&self, issuer: &KeyRef) -> Result<Vec<(CrlLine, u64)>, Unavailable> {
        self.read(PORT, |view| {
            let mut numbers = Vec::new();
            for (key, octets) in view.rows_after(Keyspace::CrlHeads, issuer.octets(), &[], usize::MAX)? {
                let (issuer, scope) = known(parse_scope(&key), Keyspace::CrlHeads)?;
                let head = CrlHeadRow::decode(&octets)?;
                for kind in [CrlKind::Complete, CrlKind::Delta] {
                    let line = CrlLine { issuer, scope: scope.clone(), kind };
                    numbers.extend(head.latest_of(kind).map(|number| (line, number)));
                }
            }
            Ok(numbers)
        })
    }

    fn released_at(&self, id: &CertificateId) -> Result<Option<UnixTime>, Unavailable> {
        self.read(PORT, |view| Ok(view.row::<ReleaseRow>(id)?.map(|row| row.time)))
    }
}

/// How a certificate is listed now.
fn entry(view: &dyn View, id: &CertificateId) -> Result<Option<RevokedEntry>, ReadFault> {
    let row = view.row::<RevocationRow>(id)?;
    Ok(row.map(|RevocationRow { revocation, not_after, .. }| RevokedEntry {
        serial: id.serial.clone(),
        revocation,
        not_after,
    }))
}
