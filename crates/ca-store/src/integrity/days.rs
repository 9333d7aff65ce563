//! Whether what is counted by days is what certificates and revocations add up to. Holds a count for each issuer and day.

use super::IntegrityFault;
use crate::act::days::DayTally;
use crate::certificate::certificate_row;
use crate::keyspace::{Keyspace, parse_id};
use crate::row::{CertificateRow, DayCountRow, RevocationRow, Row, RowFault};
use crate::store::Store;
use crate::transaction::{ReadFault, Rows};

impl Store {
    pub(crate) fn check_days(&self) -> Result<(), IntegrityFault> {
        let mut tally = DayTally::default();
        self.each(Keyspace::Certificates, |key, octets| {
            let id = parse_id(key).ok_or(RowFault::Key { keyspace: Keyspace::Certificates.name() })?;
            let view = self.rows().view().map_err(ReadFault::from)?;
            tally.count(&id, &CertificateRow::decode(octets)?, view.has::<RevocationRow>(&id)?);
            Ok(())
        })?;
        self.each(Keyspace::Revocations, |key, octets| {
            let id = parse_id(key).ok_or(RowFault::Key { keyspace: Keyspace::Revocations.name() })?;
            let view = self.rows().view().map_err(ReadFault::from)?;
            if let Some(certificate) = certificate_row(&*view, &id)? {
                tally.count_revocation(&id, &certificate, &RevocationRow::decode(octets)?);
            }
            Ok(())
        })?;
        let keyspace = Keyspace::DayCounts.name();
        let mut counted: std::collections::BTreeMap<Vec<u8>, DayCountRow> =
            tally.into_counts().into_iter().map(|(place, row)| (DayCountRow::key(&place), row)).collect();
        self.each(Keyspace::DayCounts, |key, octets| {
            let row = DayCountRow::decode(octets)?;
            if counted.remove(key) == Some(row) { Ok(()) } else { Err(IntegrityFault::Days { keyspace }) }
        })?;
        if counted.is_empty() { Ok(()) } else { Err(IntegrityFault::Days { keyspace }) }
    }
}
