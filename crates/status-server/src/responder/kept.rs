//! Signed answers that may be given again, and what they must not be given against.
//!
//! For each certificate the newest thing known wins: an answer signed on older knowledge never takes the place of a newer
//! one, nor of the mere knowledge that the status has changed. Good and revoked only; bounded. Knows no ledger.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};

use ca_core::ocsp::{CertId, CertStatus, IssuerHashes, OcspResponse};
use ca_core::validity::UnixTime;

/// The answers kept, by what was asked: octet for octet, hash algorithm included.
#[derive(Debug)]
pub(super) struct KeptAnswers {
    most: usize,
    entries: RwLock<HashMap<CertId, Entry>>,
}

/// The newest that is known of one certificate.
#[derive(Debug, Clone)]
struct Entry {
    /// When it was last read from the ledger.
    read_at: UnixTime,
    told: CertStatus,
    /// The ledger's number of changes before it was read, where it tells one.
    revision: Option<u64>,
    /// The answer that says so; none when it could not be signed, or is not yet.
    response: Option<Arc<OcspResponse>>,
}

/// When an answer is replaced by a new one: after half of its validity.
pub(super) fn renewal(response: &OcspResponse) -> UnixTime {
    let validity = response.next_update().seconds().saturating_sub(response.this_update().seconds());
    response.this_update().plus_seconds(validity / 2)
}

fn is_young(response: &OcspResponse, now: UnixTime) -> bool {
    response.this_update() <= now && now < renewal(response)
}

impl KeptAnswers {
    pub(super) fn new(most: usize) -> Self {
        Self { most, entries: RwLock::default() }
    }

    /// Returns the answer that says `told`, which was read at `now` and after this revision, unless it is due to be renewed. When
    /// something else was told before, that is not given any more from now on.
    pub(super) fn young(
        &self,
        certificate: &CertId,
        now: UnixTime,
        (told, revision): (CertStatus, Option<u64>),
    ) -> Option<Arc<OcspResponse>> {
        let entry = self.entry(certificate)?;
        if entry.told != told {
            self.put(certificate, Entry { read_at: now, told, revision, response: None });
            return None;
        }
        if entry.revision != revision {
            self.put(certificate, Entry { read_at: now, revision, ..entry.clone() });
        }
        entry.response.filter(|response| is_young(response, now))
    }

    /// Returns the answer whose status was read at this revision, unless it is due to be renewed.
    pub(super) fn unchanged(
        &self,
        certificate: &CertId,
        now: UnixTime,
        revision: u64,
    ) -> Option<Arc<OcspResponse>> {
        let entry = self.entry(certificate).filter(|entry| entry.revision == Some(revision))?;
        entry.response.filter(|response| is_young(response, now))
    }

    /// Returns the answer, whatever it says, if its time is not over.
    pub(super) fn valid(&self, certificate: &CertId, now: UnixTime) -> Option<Arc<OcspResponse>> {
        self.entry(certificate)?
            .response
            .filter(|response| response.this_update() <= now && now < response.next_update())
    }

    /// Keeps an answer to a request whose status was read at `read_at`.
    pub(super) fn keep(
        &self,
        certificate: &CertId,
        read_at: UnixTime,
        (told, revision): (CertStatus, Option<u64>),
        response: &Arc<OcspResponse>,
    ) {
        self.put(certificate, Entry { read_at, told, revision, response: Some(Arc::clone(response)) });
    }

    /// Drops the answers for certificates of one CA; what is known of them stays.
    pub(super) fn drop_answers_of(&self, issuer: &IssuerHashes) {
        for (certificate, entry) in self.write().iter_mut() {
            if issuer.name(certificate) {
                entry.response = None;
            }
        }
    }

    fn entry(&self, certificate: &CertId) -> Option<Entry> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner).get(certificate).cloned()
    }

    /// Compare and set, on the time of reading.
    fn put(&self, certificate: &CertId, new: Entry) {
        let mut entries = self.write();
        if let Some(known) = entries.get_mut(certificate) {
            if new.supersedes(known) {
                *known = new;
            }
            return;
        }
        if entries.len() >= self.most {
            make_room(&mut entries, self.most, new.read_at);
        }
        entries.insert(certificate.clone(), new);
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<CertId, Entry>> {
        self.entries.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// A revocation is final: nothing supersedes it but a later answer that says the same, and it supersedes everything,
    /// whatever the clock said; what is on hold may be good again, by what was read later. Otherwise what was read later
    /// counts.
    fn supersedes(&self, known: &Self) -> bool {
        match (known.told, self.told) {
            (CertStatus::Revoked(before), CertStatus::Good) if before.is_hold() => {
                self.read_at > known.read_at
            }
            (CertStatus::Revoked(_), told) if !matches!(told, CertStatus::Revoked(_)) => false,
            (told, CertStatus::Revoked(_)) if !matches!(told, CertStatus::Revoked(_)) => true,
            _ => self.read_at >= known.read_at,
        }
    }

    /// Tells whether the entry is still of use: an answer to give, or fresh knowledge that an answer under way must not
    /// overwrite.
    fn is_of_use(&self, now: UnixTime) -> bool {
        match &self.response {
            Some(response) => now < response.next_update(),
            None => now <= self.read_at.plus_seconds(UNDER_WAY_SECONDS),
        }
    }
}

/// Longer than any signature is under way.
const UNDER_WAY_SECONDS: i64 = 600;

/// Drops what is over, and if that is not enough an eighth of the rest, whichever it is.
fn make_room(entries: &mut HashMap<CertId, Entry>, most: usize, now: UnixTime) {
    entries.retain(|_, entry| entry.is_of_use(now));
    let mut excess = (entries.len() + most / 8 + 1).saturating_sub(most);
    entries.retain(|_, _| {
        let drop = excess > 0;
        excess = excess.saturating_sub(1);
        !drop
    });
}
