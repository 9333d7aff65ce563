//! From the revocations on record to the to-be-signed octets of a CRL (RFC 5280 §5.1.2, §5.2).
//!
//! Only what the ledger, the issuer and the profile say goes in. Entries go to a spool as they come, and no more than a page of
//! them is held. Whether the result conforms is for [`lint`](crate::lint::crl) to say, by other code; nothing is recorded or
//! signed here.

use der::asn1::{ContextSpecific, OctetString};
use der::{Encode, TagMode, TagNumber};
use spki::AlgorithmIdentifierRef;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::AuthorityKeyIdentifier;

use super::before::Before;
use super::delta::changed_since;
use super::entries::{Leaving, PreviousCrl, for_each_listed};
use super::entry;
use super::nested::sequence;
use super::wire;
use super::{CrlContext, CrlError};
use crate::issuer::Issuer;
use crate::octets::{Octets, OctetsError, PAGE_OCTETS, Spool};
use crate::oid;
use crate::point::{distribution_points, full_name};
use crate::scope::CrlScope;
use crate::validity::UnixTime;

/// What a CRL says of itself besides its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Heading {
    pub(super) number: u64,
    /// The complete CRL that it is a delta to.
    pub(super) base: Option<u64>,
    /// The last audit record that it has seen; not in it.
    pub(super) seen: u64,
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
    /// Drafts the CRL that follows those of `before`, under a number above theirs and above `taken`.
    pub(super) fn new(
        context: &CrlContext<'_>,
        now: UnixTime,
        before: &Before,
        taken: u64,
    ) -> Result<Self, CrlError> {
        let issuer = context.issuer;
        // RFC 5280 §5.2.3: the number increases; when there is none left, the ledger says that this one is taken.
        let last = before.number().map_or(taken, |number| number.max(taken));
        let number = u64::try_from(now.seconds()).unwrap_or_default().max(last.saturating_add(1));
        let this_update = context.speaks_from(now);
        let next_update = next_update(context, before, (this_update, now))?;
        // Before the first entry is read: what changes from here on is told again by the next delta.
        let seen = context.status.changes((&issuer.key(), context.scope), u64::MAX, 0)?.seen;
        let mut spool = Gathering::new(context.ledger.spool()?);
        let entries = append_entries(context, now, before, &mut spool)?;
        let base = context.base;
        let heading = Heading { number, base, seen, made_at: now, this_update, next_update, entries };
        let tbs = around_entries(issuer, context.scope, &heading, spool.finish()?)?;
        Ok(Self { heading, tbs })
    }
}

/// A delta does not outlive its base, nor any CRL its issuer.
fn next_update(
    context: &CrlContext<'_>,
    before: &Before,
    (this_update, now): (UnixTime, UnixTime),
) -> Result<UnixTime, CrlError> {
    let not_after = context.issuer.certificate().validity().not_after();
    let Some(number) = context.base else {
        return Ok(this_update.plus_seconds(context.profile.validity_seconds()).min(not_after));
    };
    let times = context.profile.deltas().ok_or(CrlError::NoDeltas)?;
    let base = before.base(context, number, now)?;
    Ok(this_update.plus_seconds(times.validity_seconds).min(base.next_update).min(not_after))
}

/// Writes the entries in ascending order; returns how many there are.
fn append_entries(
    context: &CrlContext<'_>,
    now: UnixTime,
    before: &Before,
    spool: &mut Gathering,
) -> Result<u64, CrlError> {
    let scope = (&context.issuer.key(), context.scope);
    let Some(number) = context.base else {
        let previous = before.complete.as_ref().map(|record| PreviousCrl::read(&record.der)).transpose()?;
        let leaving = if context.profile.keeps_entries() { Leaving::Never } else { Leaving::OnceExpired };
        return for_each_listed(context.status, scope, (previous, leaving), |listed| {
            spool.append(|piece| entry::append(listed, now, piece))
        });
    };
    let base = before.base(context, number, now)?;
    let changed = changed_since(context.status, scope, (base, before.delta.as_ref()))?;
    for (serial, revoked) in &changed {
        spool.append(|piece| match revoked {
            Some(revoked) => entry::append(revoked, now, piece),
            None => entry::append_removed(serial, now, piece),
        })?;
    }
    Ok(u64::try_from(changed.len()).unwrap_or(u64::MAX))
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

    fn append(&mut self, write: impl FnOnce(&mut Vec<u8>) -> der::Result<()>) -> Result<(), CrlError> {
        write(&mut self.piece)?;
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
pub(super) fn around_entries(
    issuer: &Issuer,
    scope: &CrlScope,
    heading: &Heading,
    entries: Octets,
) -> der::Result<Octets> {
    let mut fields = vec![Octets::from(before_entries(issuer, heading)?)];
    // RFC 5280 §5.1.2.6: with nothing revoked the list is absent.
    if entries.length() > 0 {
        fields.push(sequence(vec![entries])?);
    }
    fields.push(Octets::from(after_entries(issuer, scope, heading)?.to_der()?));
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

/// The extensions: who signs, which number, to what it is a delta, of what it speaks, where its deltas are.
fn after_entries(
    issuer: &Issuer,
    scope: &CrlScope,
    heading: &Heading,
) -> der::Result<ContextSpecific<Vec<Extension>>> {
    // RFC 5280 §5.2.1, §5.2.3: every CRL has an authority key identifier and a CRL number.
    let authority = AuthorityKeyIdentifier {
        key_identifier: Some(OctetString::new(issuer.key_identifier())?),
        ..AuthorityKeyIdentifier::default()
    };
    let mut value = vec![
        wire::extension(oid::AUTHORITY_KEY_IDENTIFIER, &authority)?,
        wire::extension(oid::CRL_NUMBER, &heading.number)?,
    ];
    // RFC 5280 §5.2.4: the delta CRL indicator is critical and names the base by its number.
    if let Some(base) = &heading.base {
        value.push(wire::critical(oid::DELTA_CRL_INDICATOR, base)?);
    }
    // RFC 5280 §5.2.5: critical, and named as in the certificates of the shard; a delta has the one of its base.
    if let (CrlScope::Shard(_), Some(uri)) = (scope, issuer.crl_uri(scope)) {
        let point = wire::PlaceOfScope { distribution_point: full_name(&uri)? };
        value.push(wire::critical(oid::ISSUING_DISTRIBUTION_POINT, &point)?);
    }
    // RFC 5280 §5.2.6: non-critical, and never in a delta CRL.
    if let (None, Some(uri)) = (heading.base, issuer.freshest_uri(scope)) {
        value.push(wire::extension(oid::FRESHEST_CRL, &distribution_points(&uri)?)?);
    }
    Ok(ContextSpecific { tag_number: TagNumber(0), tag_mode: TagMode::Explicit, value })
}

/// The algorithm that the issuer signs with; its parameters field is absent (RFC 5758 §3.2).
pub(super) const fn algorithm(issuer: &Issuer) -> AlgorithmIdentifierRef<'static> {
    AlgorithmIdentifierRef { oid: issuer.curve().signature_algorithm(), parameters: None }
}
