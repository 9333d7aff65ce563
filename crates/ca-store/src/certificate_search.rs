//! Searching certificates by whatever is known of them: by the one index that fits best, and by looking at rows behind it.
//!
//! An answer passes over a bounded number of rows, and says where to go on; so it takes the same time however long the
//! ledger is. Not the lists that the certification authority reads itself: those are `status_source`'s.

use std::collections::BTreeMap;

use ca_core::ports::Unavailable;
use ca_core::profile::{Hierarchy, KeyPurpose, ProfileId};
use ca_core::record::{CertificateId, CertificateQuery, StoredCertificate};
use ca_core::serial_number::SerialNumber;
use ca_core::system_title::SystemTitle;
use ca_core::validity::UnixTime;

use crate::certificate::{certificate_row, stored};
use crate::engine::View;
use crate::keyspace::{Keyspace, expiry_key, id_key, parse_id, parse_indexed_id, parse_time, time_octets};
use crate::row::{CertificateRow, IntentRow, KeyRow, Row};
use crate::status_source::{device_page, fits, index_of, known};
use crate::store::Store;
use crate::transaction::{ReadFault, Rows};

const PORT: &str = "certificate search";

/// How many rows one answer passes over: what bounds its time, however little is found.
const PASSED_OVER: usize = 4_096;

/// How many rows are read at a time.
const PAGE: usize = 256;

/// The octets of an issuing key's name, with which ids begin.
const ISSUER: usize = 20;

/// More octets than a serial number has: behind every id of an issuer.
const BEYOND: [u8; 21] = [0xFF; 21];

/// A span of time, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// Its first second.
    pub from: Option<UnixTime>,
    /// Its last second.
    pub until: Option<UnixTime>,
}

impl Span {
    fn has(self, time: UnixTime) -> bool {
        self.from.is_none_or(|from| time >= from) && self.until.is_none_or(|until| time <= until)
    }

    /// Tells whether it has a beginning or an end.
    #[must_use]
    pub fn is_bounded(self) -> bool {
        self != Self::default()
    }
}

/// Which certificates to look for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CertificateSearch {
    /// By what lists go by; `request` is of no meaning here.
    pub query: CertificateQuery,
    /// The first octets of the serial number.
    pub serial_begins: Vec<u8>,
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub key: Option<[u8; 32]>,
    /// Under this profile.
    pub profile: Option<ProfileId>,
    /// For this purpose.
    pub purpose: Option<KeyPurpose>,
    /// Of this hierarchy; certificates of no device have none.
    pub hierarchy: Option<Hierarchy>,
    /// With this text in the subject.
    pub subject: Option<String>,
    /// With a last second in this span.
    pub expires: Span,
    /// Recorded in this span.
    pub recorded: Span,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FoundCertificates {
    /// The certificates, in the order of their ids; by their ends and then their ids where those drive the search.
    pub certificates: Vec<StoredCertificate>,
    /// How many rows were looked at.
    pub looked_at: usize,
    /// Behind which to go on; none where all was looked at.
    pub next: Option<CertificateId>,
}

impl CertificateSearch {
    fn wants(&self, row: &CertificateRow, id: &CertificateId) -> bool {
        let query = &self.query;
        query.tenant.as_ref().is_none_or(|tenant| *tenant == row.tenant)
            && query.issuer.is_none_or(|issuer| issuer == id.issuer)
            && id.serial.octets().starts_with(&self.serial_begins)
            && self.key.is_none_or(|key| key == row.key_fingerprint)
            && self.profile.as_ref().is_none_or(|profile| *profile == row.profile)
            && self.purpose.is_none_or(|purpose| purpose == row.purpose)
            && self
                .hierarchy
                .is_none_or(|wanted| row.slot.as_ref().is_some_and(|slot| slot.hierarchy == wanted))
            && self.subject.as_ref().is_none_or(|text| row.subject.contains(text))
            && self.expires.has(row.validity.not_after())
            && self.recorded.has(row.recorded_at)
    }

    /// The least serial number that can be meant: our own begin with the day on which they were drawn.
    fn least(&self) -> Vec<u8> {
        let drawn = self.recorded.from.and_then(|from| SerialNumber::draw(from, [0; 14]).ok());
        let drawn = drawn.map(|serial| serial.octets().to_vec()).unwrap_or_default();
        drawn.max(self.serial_begins.clone())
    }

    /// Tells whether a serial number is behind all that can be meant.
    fn is_beyond(&self, serial: &[u8]) -> bool {
        let drawn = self.recorded.until.and_then(|until| SerialNumber::draw(until, [0xFF; 14]).ok());
        let later = drawn.is_some_and(|last| serial > last.octets());
        later || (serial > self.serial_begins.as_slice() && !serial.starts_with(&self.serial_begins))
    }
}

/// The greatest key that is less than every key beginning so, among keys as long as ids are.
fn before(key: &[u8]) -> Vec<u8> {
    match key.split_last() {
        None | Some((0, _)) => key.get(..key.len().saturating_sub(1)).unwrap_or_default().to_vec(),
        Some((last, first)) => [first, &[last - 1], &BEYOND].concat(),
    }
}

impl Store {
    /// Looks for certificates.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn search_certificates(&self, search: &CertificateSearch) -> Result<FoundCertificates, Unavailable> {
        self.read(PORT, |view| run(view, search))
    }
}

fn run(view: &dyn View, search: &CertificateSearch) -> Result<FoundCertificates, ReadFault> {
    let mut finding = Finding { view, search, found: FoundCertificates::default() };
    let title = match (search.query.title, search.key) {
        (Some(title), _) => Some(title),
        // A key is certified for one subject. Nothing is known of a key without a row.
        (None, Some(key)) => match view.row::<KeyRow>(&key)? {
            None => return Ok(finding.found),
            Some(row) => SystemTitle::parse(&row.subject).ok(),
        },
        (None, None) => None,
    };
    if let Some(title) = title {
        finding.by_title(&title)?;
    } else if search.expires.is_bounded() && !by_id(search) {
        finding.by_end()?;
    } else {
        finding.by_id()?;
    }
    Ok(finding.found)
}

/// Tells whether the order of ids narrows the search more than that of ends.
fn by_id(search: &CertificateSearch) -> bool {
    let few = search.query.status.is_some_and(|status| index_of(status).is_some());
    few || !search.serial_begins.is_empty() || search.recorded.is_bounded()
}

struct Finding<'a> {
    view: &'a dyn View,
    search: &'a CertificateSearch,
    found: FoundCertificates,
}

/// Whether a search goes on behind a row.
#[derive(PartialEq, Eq)]
enum Goes {
    On,
    NoFurther,
}

impl Finding<'_> {
    /// Looks at one row.
    fn look(&mut self, id: CertificateId, row: CertificateRow) -> Result<Goes, ReadFault> {
        self.found.looked_at = self.found.looked_at.saturating_add(1);
        if self.search.wants(&row, &id) {
            let one = stored(self.view, id.clone(), row)?;
            self.found.certificates.extend(Some(one).filter(|one| fits(&self.search.query, one)));
        }
        let many = self.found.certificates.len();
        if many >= self.search.query.limit || self.found.looked_at.saturating_sub(many) >= PASSED_OVER {
            self.found.next = Some(id);
            return Ok(Goes::NoFurther);
        }
        Ok(Goes::On)
    }

    /// Goes over all certificates of a device.
    fn by_title(&mut self, title: &SystemTitle) -> Result<(), ReadFault> {
        let query = CertificateQuery { limit: PAGE, ..self.search.query.clone() };
        let mut after = query.after.clone();
        loop {
            let page = device_page(self.view, title, &query, after.as_ref())?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = Some(last.clone());
            for (id, row) in page {
                if self.look(id, row)? == Goes::NoFurther {
                    return Ok(());
                }
            }
        }
    }

    /// Goes over issued certificates in the order of their ends.
    fn by_end(&mut self) -> Result<(), ReadFault> {
        let from = self.search.expires.from.map(|from| time_octets(from).to_vec()).unwrap_or_default();
        let mut after = match &self.search.query.after {
            Some(id) => match certificate_row(self.view, id)? {
                Some(row) => expiry_key(row.validity.not_after(), id).max(from),
                None => from,
            },
            None => from,
        };
        loop {
            let page = self.view.rows_after(Keyspace::Expiry, &[], &after, PAGE)?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after.clone_from(last);
            for (key, _) in page {
                let end = known(parse_time(&key), Keyspace::Expiry)?;
                if self.search.expires.until.is_some_and(|until| end > until) {
                    return Ok(());
                }
                let id = known(parse_indexed_id(&key), Keyspace::Expiry)?;
                let row = known(certificate_row(self.view, &id)?, Keyspace::Expiry)?;
                if self.look(id, row)? == Goes::NoFurther {
                    return Ok(());
                }
            }
        }
    }

    /// Goes over certificates in the order of their ids, and leaps over what no serial number that is meant can stand among.
    fn by_id(&mut self) -> Result<(), ReadFault> {
        let least = self.search.least();
        let mut after = self.search.query.after.as_ref().map(id_key).unwrap_or_default();
        'pages: loop {
            let page = self.page(&after)?;
            if page.is_empty() {
                return Ok(());
            }
            for (key, row) in page {
                let (issuer, serial) = known(key.split_at_checked(ISSUER), Keyspace::Certificates)?;
                if serial < least.as_slice() {
                    after = before(&[issuer, &least].concat());
                    self.found.looked_at = self.found.looked_at.saturating_add(1);
                    continue 'pages;
                }
                if self.search.is_beyond(serial) {
                    after = [issuer, &BEYOND].concat();
                    self.found.looked_at = self.found.looked_at.saturating_add(1);
                    continue 'pages;
                }
                let id = known(parse_id(&key), Keyspace::Certificates)?;
                if self.look(id, row)? == Goes::NoFurther {
                    return Ok(());
                }
                after = key;
            }
        }
    }

    /// The next rows in the order of ids: of an index of few, or all, whether their intents are open or have ended.
    fn page(&self, after: &[u8]) -> Result<Vec<(Vec<u8>, CertificateRow)>, ReadFault> {
        let query = &self.search.query;
        let issuer = query.issuer.map(|issuer| issuer.octets().to_vec()).unwrap_or_default();
        if let Some(keyspace) = query.status.and_then(index_of) {
            let keys = self.view.rows_after(keyspace, &issuer, after, PAGE)?;
            let row = |(key, _): (Vec<u8>, Vec<u8>)| {
                let id = known(parse_id(&key), keyspace)?;
                let row = known(certificate_row(self.view, &id)?, keyspace)?;
                Ok((key, row))
            };
            return keys.into_iter().map(row).collect();
        }
        let mut rows = BTreeMap::new();
        for (key, octets) in self.view.rows_after(Keyspace::Open, &issuer, after, PAGE)? {
            rows.insert(key, IntentRow::decode(&octets)?.certificate);
        }
        for (key, octets) in self.view.rows_after(Keyspace::Certificates, &issuer, after, PAGE)? {
            rows.insert(key, CertificateRow::decode(&octets)?);
        }
        Ok(rows.into_iter().take(PAGE).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_an_id_can_be_lies_between_a_key_and_the_one_before_it() {
        assert_eq!(before(&[5, 0]), [5]);
        assert_eq!(before(&[5, 7]), [&[5, 6][..], &BEYOND].concat());
        assert_eq!(before(&[]), Vec::<u8>::new());
        assert!(before(&[5, 7]).as_slice() < [5, 7].as_slice());
    }

    #[test]
    fn serial_numbers_behind_the_last_day_and_behind_the_prefix_are_beyond() {
        let day = UnixTime::from_seconds(1_795_219_200);
        let at = |time: UnixTime, octet| SerialNumber::draw(time, [octet; 14]).unwrap();
        let search = CertificateSearch {
            recorded: Span { from: Some(day), until: Some(day) },
            ..CertificateSearch::default()
        };
        assert!(!search.is_beyond(at(day, 0xFF).octets()));
        assert!(search.is_beyond(at(day.plus_seconds(86_400), 0).octets()));
        assert!(at(day.plus_seconds(-86_400), 0xFF).octets() < search.least().as_slice());
        let begins = CertificateSearch { serial_begins: vec![0x0A, 0x0B], ..CertificateSearch::default() };
        assert!(begins.is_beyond(&[0x0A, 0x0C]) && begins.is_beyond(&[0x0B]));
        assert!(!begins.is_beyond(&[0x0A, 0x0B, 0x01]) && !begins.is_beyond(&[0x0A]));
    }
}
