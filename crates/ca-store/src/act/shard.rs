//! What keeps the CRLs of a scope cheap: which shards there are, who is revoked in each, and what changed since when.
//!
//! Written with the act that it tells of, in the same transaction. Decides nothing. RFC 5280 §5.2.4, §5.2.5.

use ca_core::key_ref::KeyRef;
use ca_core::record::CertificateId;
use ca_core::scope::{CrlListing, CrlScope, Shard};
use ca_core::validity::UnixTime;

use crate::keyspace::{Keyspace, change_key, shard_revocation_key};
use crate::row::ShardRow;
use crate::transaction::{ActFault, Rows, Transaction};

/// Notes that a shard has a certificate that ends at `not_after`.
pub(crate) fn has_one_until(
    tx: &mut Transaction<'_>,
    (issuer, shard): (&KeyRef, &Shard),
    not_after: UnixTime,
) -> Result<(), ActFault> {
    let key = (*issuer, shard.clone());
    match tx.row::<ShardRow>(&key)? {
        Some(row) if row.last_not_after >= not_after => Ok(()),
        _ => tx.put(&key, &ShardRow { last_not_after: not_after }),
    }
}

/// Notes that the audit record `sequence` changed how a certificate is listed, and whether it is listed from now on; nothing of
/// one that no CRL lists.
pub(crate) fn changed(
    tx: &mut Transaction<'_>,
    (id, listing): (&CertificateId, &CrlListing),
    (sequence, listed): (u64, bool),
) -> Result<(), ActFault> {
    let CrlListing::Listed(shard) = listing else { return Ok(()) };
    let octets = id.serial.octets().to_vec();
    tx.put_octets(Keyspace::Changes, change_key(&id.issuer, &CrlScope::All, sequence), octets.clone())?;
    let Some(shard) = shard else { return Ok(()) };
    let scope = CrlScope::Shard(shard.clone());
    tx.put_octets(Keyspace::Changes, change_key(&id.issuer, &scope, sequence), octets)?;
    let key = shard_revocation_key(&id.issuer, shard, &id.serial);
    if listed {
        return tx.put_octets(Keyspace::ShardRevocations, key, Vec::new());
    }
    tx.remove_key(Keyspace::ShardRevocations, key);
    Ok(())
}
