//! Whether CRL numbers are in order, and whether shards and changes tell what the revocations tell.

use ca_core::audit::{Act, AuditRecord};
use ca_core::record::CertificateId;
use ca_core::scope::{CrlListing, CrlScope};
use ca_core::serial_number::SerialNumber;

use super::IntegrityFault;
use crate::certificate::certificate_row;
use crate::engine::View;
use crate::keyspace::{
    Keyspace, parse_change, parse_crl, parse_id, parse_scope, parse_shard_revocation, shard_revocation_key,
};
use crate::row::{CertificateRow, CrlHeadRow, CrlRow, RevocationRow, Row, RowFault, ScopeOf, ShardRow};
use crate::store::Store;
use crate::transaction::{ReadFault, Rows};

impl Store {
    /// RFC 5280 §5.2.3: the numbers of a scope's CRLs increase, and so do their times.
    pub(super) fn check_crls(&self) -> Result<(), IntegrityFault> {
        let mut before: Option<(ScopeOf, CrlRow)> = None;
        self.each(Keyspace::Crls, |key, octets| {
            let row = CrlRow::decode(octets)?;
            let (scope, number) = known(parse_crl(key), Keyspace::Crls)?;
            let view = self.rows().view().map_err(ReadFault::from)?;
            let head = view.row::<CrlHeadRow>(&scope)?;
            let beyond = head.is_none_or(|head| number > head.last);
            let earlier = before.as_ref().is_some_and(|(former, former_row)| {
                *former == scope && former_row.this_update > row.this_update
            });
            if beyond || earlier {
                return Err(IntegrityFault::CrlNumber { number });
            }
            before = Some((scope, row));
            Ok(())
        })
    }

    /// Every revocation of a shard stands in the index of its shard and nowhere else; every change has its audit record; what no CRL
    /// lists is marked so in both its rows.
    pub(super) fn check_scopes(&self) -> Result<(), IntegrityFault> {
        self.each(Keyspace::Revocations, |key, octets| {
            let id = known(parse_id(key), Keyspace::Revocations)?;
            let on_no_crl = RevocationRow::decode(octets)?.on_no_crl;
            let view = self.rows().view().map_err(ReadFault::from)?;
            let Some(CertificateRow { listing, .. }) = certificate_row(&*view, &id)? else { return Ok(()) };
            fits(on_no_crl != listing.is_ever(), Keyspace::Revocations)?;
            let CrlListing::Listed(Some(shard)) = listing else { return Ok(()) };
            let key = shard_revocation_key(&id.issuer, &shard, &id.serial);
            fits(view.octets(Keyspace::ShardRevocations, &key)?.is_some(), Keyspace::ShardRevocations)?;
            fits(view.has::<ShardRow>(&(id.issuer, shard))?, Keyspace::Shards)
        })?;
        self.each(Keyspace::ShardRevocations, |key, _| {
            let (id, shard) = known(parse_shard_revocation(key), Keyspace::ShardRevocations)?;
            let view = self.rows().view().map_err(ReadFault::from)?;
            let of_shard =
                certificate_row(&*view, &id)?.is_some_and(|row| row.listing.shard() == Some(&shard));
            fits(of_shard && view.has::<RevocationRow>(&id)?, Keyspace::ShardRevocations)
        })?;
        self.each(Keyspace::Changes, |key, serial| {
            let view = self.rows().view().map_err(ReadFault::from)?;
            fits(is_told(&*view, key, serial)?, Keyspace::Changes)
        })
    }
}

/// Tells whether the audit record of a change tells of it, and whether its scope is that of the certificate.
fn is_told(view: &dyn View, key: &[u8], serial: &[u8]) -> Result<bool, IntegrityFault> {
    let sequence = known(parse_change(key), Keyspace::Changes)?;
    let serial = known(SerialNumber::from_octets(serial).ok(), Keyspace::Changes)?;
    let octets = view.octets(Keyspace::Audit, &sequence.to_be_bytes())?;
    let Some(record) = octets.and_then(|der| AuditRecord::from_der(&der).ok()) else { return Ok(false) };
    let acts = [Act::CertificateRevoked, Act::CertificateHeld, Act::CertificateReleased];
    let of_revocation = acts.contains(&record.event.act);
    let (Some(issuer), Some(told)) = (record.event.issuer, record.event.serial) else {
        return Ok(of_revocation);
    };
    let prefix = key.get(..key.len().saturating_sub(8)).unwrap_or_default();
    let id = CertificateId { issuer, serial: serial.clone() };
    let Some(CertificateRow { listing, .. }) = certificate_row(view, &id)? else { return Ok(false) };
    let in_scope = if prefix == [issuer.octets().as_slice(), &[0]].concat() {
        listing.is_ever()
    } else {
        let (_, scope) = known(parse_scope(prefix), Keyspace::Changes)?;
        listing.is_ever() && CrlScope::of(listing.shard()) == scope
    };
    Ok(in_scope && told == serial && of_revocation)
}

fn known<T>(parsed: Option<T>, keyspace: Keyspace) -> Result<T, IntegrityFault> {
    parsed.ok_or_else(|| RowFault::Key { keyspace: keyspace.name() }.into())
}

fn fits(fits: bool, keyspace: Keyspace) -> Result<(), IntegrityFault> {
    if fits { Ok(()) } else { Err(IntegrityFault::Scope { keyspace: keyspace.name() }) }
}
