//! Counting by days what a ledger holds that was written before days were counted; also of one that was restored from such a
//! backup. One walk over all certificates and revocations, done again when it was cut short.

use super::{BATCH, MigrationError, each};
use crate::act::days::DayTally;
use crate::certificate::certificate_row;
use crate::engine::{Durability, Engine, Write};
use crate::keyspace::days::DAYS;
use crate::keyspace::{Keyspace, parse_id};
use crate::migration::fleet::WHOLE;
use crate::row::{CertificateRow, DayCountRow, RevocationRow, Row, RowFault};
use crate::transaction::Rows;

/// Tells whether certificates are counted by days.
pub(super) fn are_counted(engine: &dyn Engine) -> Result<bool, MigrationError> {
    Ok(engine.view()?.value(Keyspace::Meta, DAYS)?.is_some())
}

/// Counts all, and says last that it is done; returns how many certificates there are.
pub(super) fn count(engine: &dyn Engine) -> Result<u64, MigrationError> {
    let (mut tally, mut certificates) = (DayTally::default(), 0_u64);
    each(engine, Keyspace::Certificates, |view, (key, octets), _| {
        let id = parse_id(key).ok_or(RowFault::Key { keyspace: Keyspace::Certificates.name() })?;
        tally.count(&id, &CertificateRow::decode(octets)?, view.has::<RevocationRow>(&id)?);
        certificates = certificates.saturating_add(1);
        Ok(())
    })?;
    each(engine, Keyspace::Revocations, |view, (key, octets), _| {
        let fault = RowFault::Key { keyspace: Keyspace::Revocations.name() };
        let id = parse_id(key).ok_or(fault)?;
        if let Some(certificate) = certificate_row(view, &id)? {
            tally.count_revocation(&id, &certificate, &RevocationRow::decode(octets)?);
        }
        Ok(())
    })?;
    let mut batch = Vec::new();
    for (place, row) in tally.into_counts() {
        let key = DayCountRow::key(&place);
        batch.push(Write { keyspace: Keyspace::DayCounts, key, value: Some(row.encode()?) });
        if batch.len() >= BATCH {
            engine.commit(core::mem::take(&mut batch), Durability::Durable)?;
        }
    }
    batch.push(Write { keyspace: Keyspace::Meta, key: DAYS.to_vec(), value: Some(WHOLE.to_vec()) });
    engine.commit(batch, Durability::Durable)?;
    Ok(certificates)
}
