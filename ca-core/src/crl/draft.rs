//! From the revocations on record to the to-be-signed octets of a CRL (RFC 5280 §5.1.2, §5.2).
//!
//! Only what the ledger, the issuer and the profile say goes in. Entries go to a spool as they come, and no more than a page of
//! them is held. Whether the result conforms is for
//! [`lint`](crate::lint::crl) to say, by other code; nothing is recorded or signed here.

use der::asn1::{ContextSpecific, OctetString};
use der::{Encode, TagMode, TagNumber};
use spki::AlgorithmIdentifierRef;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::AuthorityKeyIdentifier;

use super::entries::{Leaving, PreviousCrl, for_each_listed};
use super::nested::sequence;
use super::wire::{self, RevokedCertificate};
use super::{CrlContext, CrlError};
use crate::issuer::Issuer;
use crate::octets::{Octets, OctetsError, PAGE_OCTETS, Spool};
use crate::oid;
use crate::record::CrlRecord;
use crate::validity::UnixTime;

/// What a CRL says of itself besides its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Heading {
    pub(super) number: u64,
    /// When it is drafted; not in it.
    pub(super) made_at: UnixTime,
    pub(super) this_update: UnixTime,
    pub(super) next_update: UnixTime,
    pub(super) entries: u64,
}

/// A drafted `TBSCertList`.
pub(super) struct DraftCrl {
    pub(super) heading: Heading,
    pub(super) tbs: Octets,
}

impl DraftCrl {
    /// Drafts the CRL that follows `previous`, under a number above `last`.
    pub(super) fn new(
        context: &CrlContext<'_>,
        now: UnixTime,
        previous: Option<&CrlRecord>,
        last: u64,
    ) -> Result<Self, CrlError> {
        let issuer = context.issuer;
        // RFC 5280 §5.2.3: the number increases; when there is none left, the ledger says that this one is taken.
        let number = u64::try_from(now.seconds()).unwrap_or_default().max(last.saturating_add(1));
        let this_update = context.speaks_from(now);
        let not_after = issuer.certificate().validity().not_after();
        let next_update = this_update.plus_seconds(context.profile.validity_seconds()).min(not_after);
        let mut spool = Gathering::new(context.ledger.spool()?);
        let previous = previous.map(|record| PreviousCrl::read(&record.der)).transpose()?;
        let leaving = if context.profile.keeps_entries() { Leaving::Never } else { Leaving::OnceExpired };
        let entries = for_each_listed(context.status, &issuer.key(), (previous, leaving), |entry| {
            spool.append(&RevokedCertificate::new(entry, now)?)
        })?;
        let heading = Heading { number, made_at: now, this_update, next_update, entries };
        let tbs = around_entries(issuer, &heading, spool.finish()?)?;
        Ok(Self { heading, tbs })
    }
}

/// Entries on their way to a spool, in pieces long enough to be worth the way.
struct Gathering {
    spool: Box<dyn Spool>,
    piece: Vec<u8>,
}

impl Gathering {
    fn new(spool: Box<dyn Spool>) -> Self {
        Self { spool, piece: Vec::with_capacity(PAGE_OCTETS) }
    }

    fn append(&mut self, entry: &impl Encode) -> Result<(), CrlError> {
        entry.encode_to_vec(&mut self.piece)?;
        if self.piece.len() >= PAGE_OCTETS {
            self.spool.append(&self.piece)?;
            self.piece.clear();
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Octets, OctetsError> {
        self.spool.append(&self.piece)?;
        self.spool.finish()
    }
}

/// Puts together a `TBSCertList` of what it says of itself and of its entries.
pub(super) fn around_entries(issuer: &Issuer, heading: &Heading, entries: Octets) -> der::Result<Octets> {
    let mut fields = vec![Octets::from(before_entries(issuer, heading)?)];
    // RFC 5280 §5.1.2.6: with nothing revoked the list is absent.
    if entries.length() > 0 {
        fields.push(sequence(vec![entries])?);
    }
    fields.push(Octets::from(after_entries(issuer, heading.number)?.to_der()?));
    sequence(fields)
}

fn before_entries(issuer: &Issuer, heading: &Heading) -> der::Result<Vec<u8>> {
    let mut octets = Vec::new();
    V2.encode_to_vec(&mut octets)?;
    algorithm(issuer).encode_to_vec(&mut octets)?;
    octets.extend_from_slice(issuer.name().der());
    wire::time(heading.this_update)?.encode_to_vec(&mut octets)?;
    wire::time(heading.next_update)?.encode_to_vec(&mut octets)?;
    Ok(octets)
}

/// RFC 5280 §5.1.2.1: `Version ::= INTEGER { v1(0), v2(1), v3(2) }`.
const V2: u8 = 1;

// RFC 5280 §5.2.1, §5.2.3: every CRL has an authority key identifier and a CRL number.
fn after_entries(issuer: &Issuer, number: u64) -> der::Result<ContextSpecific<Vec<Extension>>> {
    let authority = AuthorityKeyIdentifier {
        key_identifier: Some(OctetString::new(issuer.key_identifier())?),
        ..AuthorityKeyIdentifier::default()
    };
    Ok(ContextSpecific {
        tag_number: TagNumber(0),
        tag_mode: TagMode::Explicit,
        value: vec![
            wire::extension(oid::AUTHORITY_KEY_IDENTIFIER, &authority)?,
            wire::extension(oid::CRL_NUMBER, &number)?,
        ],
    })
}

/// The algorithm that the issuer signs with; its parameters field is absent (RFC 5758 §3.2).
pub(super) const fn algorithm(issuer: &Issuer) -> AlgorithmIdentifierRef<'static> {
    AlgorithmIdentifierRef { oid: issuer.curve().signature_algorithm(), parameters: None }
}
