//! The port [`StatusSource`]: what the ledger knows of certificates and CRLs. Reads what is on disk, beside the committer.

use std::collections::BTreeMap;
use std::sync::Arc;

use ca_core::key_ref::KeyRef;
use ca_core::octets::Octets;
use ca_core::ports::{BlockStatus, Revisions, StatusSource, Unavailable};
use ca_core::record::{
    CertificateId, CertificateQuery, CertificateStatus, CrlRecord, RevokedEntry, StatusKind,
    StoredCertificate,
};
use ca_core::scope::{CrlLine, CrlScope};
use ca_core::serial_number::SerialNumber;
use ca_core::system_title::SystemTitle;
use ca_core::validity::UnixTime;

use crate::certificate::{certificate_row, status, stored};
use crate::crl_octets::RecordedOctets;
use crate::engine::{Engine, View};
use crate::keyspace::{
    Keyspace, expiry_key, id_key, parse_id, parse_indexed_id, parse_time, time_octets, title_key,
};
use crate::row::{
    BlockedRow, CertificateRow, CrlHeadRow, CrlRow, IntentRow, RequestRow, RevocationRow, Row, RowFault,
    UncertainRow,
};
use crate::store::Store;
use crate::transaction::{ReadFault, Rows};

/// How many ends are counted at a time.
const COUNTED: usize = 4_096;

const PORT: &str = "status source";

/// How many rows are looked at together when certificates are listed.
const PAGE: usize = 256;

impl BlockStatus for Store {
    fn is_blocked(&self, authority: &KeyRef) -> Result<bool, Unavailable> {
        self.read(PORT, |view| view.has::<BlockedRow>(authority))
    }
}

impl Revisions for Store {
    fn revision(&self) -> Option<u64> {
        self.statuses()
    }
}

impl StatusSource for Store {
    fn status_of(&self, id: &CertificateId) -> Result<CertificateStatus, Unavailable> {
        self.read(PORT, |view| status(view, id))
    }

    fn certificate(&self, id: &CertificateId) -> Result<Option<StoredCertificate>, Unavailable> {
        self.read(PORT, |view| match certificate_row(view, id)? {
            Some(row) => stored(view, id.clone(), row).map(Some),
            None => Ok(None),
        })
    }

    fn certificates(&self, query: &CertificateQuery) -> Result<Vec<StoredCertificate>, Unavailable> {
        self.read(PORT, |view| list(view, query))
    }

    fn revoked(
        &self,
        issuer: &KeyRef,
        after: Option<&SerialNumber>,
        limit: usize,
    ) -> Result<Vec<RevokedEntry>, Unavailable> {
        let after = after.map(|serial| id_key(&CertificateId { issuer: *issuer, serial: serial.clone() }));
        self.read(PORT, |view| listed(view, issuer, after.unwrap_or_default(), limit))
    }

    fn uncertain(&self, issuer: &KeyRef, until: UnixTime) -> Result<Vec<SerialNumber>, Unavailable> {
        self.read(PORT, |view| {
            let mut serials = Vec::new();
            for (key, octets) in view.rows_after(Keyspace::Uncertain, issuer.octets(), &[], usize::MAX)? {
                if UncertainRow::decode(&octets)?.since <= until {
                    serials.push(known(parse_id(&key), Keyspace::Uncertain)?.serial);
                }
            }
            Ok(serials)
        })
    }

    fn latest_crl(&self, issuer: &KeyRef) -> Result<Option<CrlRecord>, Unavailable> {
        self.latest_of(&CrlLine::complete(*issuer, CrlScope::All))
    }

    fn latest_of(&self, line: &CrlLine) -> Result<Option<CrlRecord>, Unavailable> {
        self.read(PORT, |view| latest_crl((self.engine_shared(), view), line))
    }

    fn audit_records(&self, after: u64, limit: usize) -> Result<Vec<Vec<u8>>, Unavailable> {
        self.read(PORT, |view| {
            let rows = view.rows_after(Keyspace::Audit, &[], &after.to_be_bytes(), limit)?;
            Ok(rows.into_iter().map(|(_, der)| der).collect())
        })
    }
}

impl Store {
    /// Lists issued certificates in the order of their notAfter and then of their ids, at most `limit`: those that end at
    /// `from` or later, and of those that end at `from` only those behind `after`.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn expiring(
        &self,
        from: UnixTime,
        after: Option<&CertificateId>,
        limit: usize,
    ) -> Result<Vec<(UnixTime, CertificateId)>, Unavailable> {
        let after = match after {
            Some(id) => expiry_key(from, id),
            None => time_octets(from).to_vec(),
        };
        self.read(PORT, |view| {
            let mut ends = Vec::new();
            for (key, _) in view.rows_after(Keyspace::Expiry, &[], &after, limit)? {
                let id = known(parse_indexed_id(&key), Keyspace::Expiry)?;
                ends.push((known(parse_time(&key), Keyspace::Expiry)?, id));
            }
            Ok(ends)
        })
    }

    /// Counts issued certificates that end after `from` and up to `until`, revoked ones too, and no further than to `limit`.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn count_expiring(
        &self,
        from: UnixTime,
        until: UnixTime,
        limit: usize,
    ) -> Result<usize, Unavailable> {
        let last = time_octets(until);
        let (mut after, mut counted) = (time_octets(from.plus_seconds(1)).to_vec(), 0);
        while counted < limit {
            let page =
                self.read(PORT, |view| Ok(view.rows_after(Keyspace::Expiry, &[], &after, COUNTED)?))?;
            let ends = page
                .iter()
                .take_while(|(key, _)| key.get(..last.len()).is_some_and(|end| *end <= *last.as_slice()));
            let within = ends.count();
            counted = counted.saturating_add(within);
            match page.last() {
                Some((key, _)) if within == page.len() => after.clone_from(key),
                Some(_) | None => break,
            }
        }
        Ok(counted.min(limit))
    }
}

pub(crate) fn known<T>(parsed: Option<T>, keyspace: Keyspace) -> Result<T, RowFault> {
    parsed.ok_or_else(|| RowFault::Key { keyspace: keyspace.name() })
}

/// Looks at rows page by page until enough belong to the tenant that is asked for.
fn list(view: &dyn View, query: &CertificateQuery) -> Result<Vec<StoredCertificate>, ReadFault> {
    let mut found = Vec::new();
    let mut after = query.after.clone();
    while found.len() < query.limit {
        let page = match (&query.request, &query.title) {
            (Some(request), _) => answer_page(view, request, after.as_ref())?,
            (None, Some(title)) => device_page(view, title, query, after.as_ref())?,
            (None, None) => page(view, query, after.as_ref())?,
        };
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        for (id, row) in page {
            let wanted = query.tenant.as_ref().is_none_or(|tenant| *tenant == row.tenant);
            if wanted && found.len() < query.limit {
                let one = stored(view, id, row)?;
                found.extend(Some(one).filter(|one| fits(query, one)));
            }
        }
    }
    Ok(found)
}

/// Whether a certificate is of the status that is asked for.
pub(crate) fn fits(query: &CertificateQuery, stored: &StoredCertificate) -> bool {
    query.status.is_none_or(|wanted| stored.status.kind() == Some(wanted))
}

/// The one row that answers a request, unless it was given before.
fn answer_page(
    view: &dyn View,
    request: &[u8; 32],
    after: Option<&CertificateId>,
) -> Result<Vec<(CertificateId, CertificateRow)>, ReadFault> {
    let Some(RequestRow { id }) =
        view.row(request)?.filter(|row: &RequestRow| after.is_none_or(|after| *after < row.id))
    else {
        return Ok(Vec::new());
    };
    let row = known(certificate_row(view, &id)?, Keyspace::Requests)?;
    Ok(vec![(id, row)])
}

/// The next rows in the order of their ids, whether their intents are open or have ended.
fn page(
    view: &dyn View,
    query: &CertificateQuery,
    after: Option<&CertificateId>,
) -> Result<Vec<(CertificateId, CertificateRow)>, ReadFault> {
    if let Some(keyspace) = query.status.and_then(index_of) {
        return indexed_page(view, query, (keyspace, after));
    }
    let limit = query.limit.clamp(1, PAGE);
    let prefix = query.issuer.map(|issuer| issuer.octets().to_vec()).unwrap_or_default();
    let after = after.map(id_key).unwrap_or_default();
    let mut rows = BTreeMap::new();
    for (key, octets) in view.rows_after(Keyspace::Open, &prefix, &after, limit)? {
        rows.insert(key, IntentRow::decode(&octets)?.certificate);
    }
    for (key, octets) in view.rows_after(Keyspace::Certificates, &prefix, &after, limit)? {
        rows.insert(key, CertificateRow::decode(&octets)?);
    }
    rows.into_iter()
        .take(limit)
        .map(|(key, row)| Ok((known(parse_id(&key), Keyspace::Certificates)?, row)))
        .collect()
}

/// The keyspace that has every certificate of a status, where few are among many.
pub(crate) const fn index_of(status: StatusKind) -> Option<Keyspace> {
    match status {
        StatusKind::Uncertain => Some(Keyspace::Uncertain),
        StatusKind::Revoked | StatusKind::OnHold => Some(Keyspace::Revocations),
        StatusKind::Pending => Some(Keyspace::Open),
        StatusKind::Good | StatusKind::Aborted => None,
    }
}

/// The next rows whose ids stand in a keyspace.
fn indexed_page(
    view: &dyn View,
    query: &CertificateQuery,
    (keyspace, after): (Keyspace, Option<&CertificateId>),
) -> Result<Vec<(CertificateId, CertificateRow)>, ReadFault> {
    let prefix = query.issuer.map(|issuer| issuer.octets().to_vec()).unwrap_or_default();
    let after = after.map(id_key).unwrap_or_default();
    let keys = view.rows_after(keyspace, &prefix, &after, query.limit.clamp(1, PAGE))?;
    keys.into_iter()
        .map(|(key, _)| {
            let id = known(parse_id(&key), keyspace)?;
            let row = known(certificate_row(view, &id)?, keyspace)?;
            Ok((id, row))
        })
        .collect()
}

/// The next rows of one device.
pub(crate) fn device_page(
    view: &dyn View,
    title: &SystemTitle,
    query: &CertificateQuery,
    after: Option<&CertificateId>,
) -> Result<Vec<(CertificateId, CertificateRow)>, ReadFault> {
    let issuer = query.issuer.map(|issuer| issuer.octets().to_vec()).unwrap_or_default();
    let prefix = [title.octets().as_slice(), &issuer].concat();
    let after = after.map(|id| title_key(title, id)).unwrap_or_default();
    let keys = view.rows_after(Keyspace::Titles, &prefix, &after, query.limit.clamp(1, PAGE))?;
    keys.into_iter()
        .map(|(key, _)| {
            let id = known(parse_indexed_id(&key), Keyspace::Titles)?;
            let row = known(certificate_row(view, &id)?, Keyspace::Titles)?;
            Ok((id, row))
        })
        .collect()
}

/// The next revocations that the CRL of all lists. Those that no CRL lists are passed over, and a page is full all the same.
fn listed(
    view: &dyn View,
    issuer: &KeyRef,
    mut after: Vec<u8>,
    limit: usize,
) -> Result<Vec<RevokedEntry>, ReadFault> {
    let mut entries = Vec::new();
    while entries.len() < limit {
        let rows = view.rows_after(Keyspace::Revocations, issuer.octets(), &after, limit)?;
        let Some((last, _)) = rows.last() else { break };
        after.clone_from(last);
        for (key, octets) in rows {
            let id = known(parse_id(&key), Keyspace::Revocations)?;
            let row = RevocationRow::decode(&octets)?;
            if !row.on_no_crl {
                let RevocationRow { revocation, not_after, .. } = row;
                entries.push(RevokedEntry { serial: id.serial, revocation, not_after });
            }
        }
    }
    entries.truncate(limit);
    Ok(entries)
}

fn latest_crl(
    (engine, view): (&Arc<dyn Engine>, &dyn View),
    line: &CrlLine,
) -> Result<Option<CrlRecord>, ReadFault> {
    let scope = (line.issuer, line.scope.clone());
    let Some(number) = view.row::<CrlHeadRow>(&scope)?.and_then(|head| head.latest_of(line.kind)) else {
        return Ok(None);
    };
    let row = known(view.row::<CrlRow>(&(scope.clone(), number))?, Keyspace::Crls)?;
    let issued = known(row.issued, Keyspace::Crls)?;
    let der = Octets::kept(RecordedOctets::new(engine, scope, (number, issued.length)));
    Ok(Some(CrlRecord {
        issuer: line.issuer,
        scope: line.scope.clone(),
        base: issued.base,
        seen: issued.seen,
        number,
        this_update: row.this_update,
        next_update: issued.next_update,
        entries: issued.entries,
        der,
    }))
}
