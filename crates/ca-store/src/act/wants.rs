//! Which rows the acts of issuance will read: asked for together where each would otherwise be a question to a database of its own.
//!
//! Decides nothing, and need not be complete: what is missing here is read when it is needed.

use std::collections::BTreeSet;

use ca_core::profile::KeyPurpose;
use ca_core::record::{CertificateId, Intent, IssuedRecord, Slot};
use ca_core::system_title::SystemTitle;
use ca_core::validity::UnixTime;

use super::days;
use crate::engine::{View, WantedKey};
use crate::keyspace::Keyspace;
use crate::row::{
    CampaignRow, CertificateRow, CredentialRow, DayCountRow, DeviceRow, IntentRow, KeyRow, MemberRow,
    RequestRow, RevocationRow, Row, SlotRow, SwapRow, TokenRow,
};
use crate::transaction::{ReadFault, Rows};

/// Says which rows an act will read, by what was read so far: first those that its own words name, then those that these name.
pub(crate) type Wants = Box<dyn Fn(&dyn View) -> Result<Vec<WantedKey>, ReadFault> + Send>;

/// What the recording of intents reads.
pub(crate) fn of_intents(intents: &[Intent]) -> Wants {
    let intents: Vec<Named> = intents.iter().map(Named::of).collect();
    Box::new(move |view| {
        let mut keys = Vec::new();
        for named in &intents {
            named.wants(view, &mut keys)?;
        }
        Ok(keys)
    })
}

/// What the marks of signing read.
pub(crate) fn of_marks(ids: &[CertificateId]) -> Wants {
    let keys: Vec<WantedKey> = ids.iter().flat_map(open).collect();
    Box::new(move |_| Ok(keys.clone()))
}

/// What the recording of certificates reads.
pub(crate) fn of_issued(issued: &[IssuedRecord]) -> Wants {
    let issued: Vec<(CertificateId, UnixTime)> =
        issued.iter().map(|issued| (issued.id.clone(), issued.issued_at)).collect();
    Box::new(move |view| {
        let mut keys: Vec<WantedKey> = issued.iter().flat_map(|(id, _)| open(id)).collect();
        for (id, at) in &issued {
            keys.push(key::<RevocationRow>(id));
            if let Some(intent) = known::<IntentRow>(view, id)? {
                let certificate = &intent.certificate;
                for counted in [*at, certificate.validity.not_after()] {
                    keys.push(key::<DayCountRow>(&days::place(certificate, counted, &id.issuer)));
                }
                of_intent(view, (id, &intent), &mut keys)?;
            }
        }
        Ok(keys)
    })
}

/// What an intent names.
struct Named {
    id: CertificateId,
    slot: Option<Slot>,
    titles: BTreeSet<SystemTitle>,
    rows: Vec<WantedKey>,
}

impl Named {
    fn of(intent: &Intent) -> Self {
        let conditions = &intent.conditions;
        let mut rows = vec![key::<CertificateRow>(&intent.id), key::<KeyRow>(&intent.key_fingerprint)];
        rows.extend(open(&intent.id));
        rows.extend(conditions.idempotency.iter().map(|idempotency| key::<RequestRow>(&idempotency.key)));
        rows.extend(conditions.token.iter().map(key::<TokenRow>));
        let slot = conditions.slot.as_ref().map(|(slot, _)| slot.clone());
        rows.extend(slot.iter().map(key::<SlotRow>));
        let claim = conditions.claim.as_ref();
        rows.extend(claim.map(|claim| key::<CredentialRow>(&(claim.title, claim.factory_key))));
        let titles = slot.iter().map(|slot| slot.title).chain(claim.map(|claim| claim.title)).collect();
        Self { id: intent.id.clone(), slot, titles, rows }
    }

    /// The rows that the intent names, and those that its slot and its device do.
    fn wants(&self, view: &dyn View, keys: &mut Vec<WantedKey>) -> Result<(), ReadFault> {
        keys.extend(self.rows.iter().cloned());
        for title in &self.titles {
            of_device(view, title, keys)?;
        }
        for other in other_holders(view, self.slot.as_ref(), &self.id)? {
            keys.extend(open(&other));
            keys.extend([key::<CertificateRow>(&other), key::<RevocationRow>(&other)]);
        }
        Ok(())
    }
}

/// The rows that an open intent names.
fn of_intent(
    view: &dyn View,
    (id, intent): (&CertificateId, &IntentRow),
    keys: &mut Vec<WantedKey>,
) -> Result<(), ReadFault> {
    let slot = intent.certificate.slot.as_ref();
    keys.extend(slot.map(key::<SlotRow>));
    keys.extend(other_holders(view, slot, id)?.iter().flat_map(open));
    for title in intent.certificate.title().iter().chain(&intent.claim) {
        of_device(view, title, keys)?;
    }
    Ok(())
}

/// A device, what is swapped of it, and for which campaign.
fn of_device(view: &dyn View, title: &SystemTitle, keys: &mut Vec<WantedKey>) -> Result<(), ReadFault> {
    keys.push(key::<DeviceRow>(title));
    for purpose in SWAPPED {
        keys.push(key::<SwapRow>(&(*title, purpose)));
        if let Some(SwapRow { swap }) = known::<SwapRow>(view, &(*title, purpose))? {
            keys.push(key::<CampaignRow>(&swap.campaign));
            keys.push(key::<MemberRow>(&(swap.campaign, *title)));
        }
    }
    Ok(())
}

/// The other holders of a slot.
fn other_holders(
    view: &dyn View,
    slot: Option<&Slot>,
    id: &CertificateId,
) -> Result<Vec<CertificateId>, ReadFault> {
    let row = slot.map(|slot| known::<SlotRow>(view, slot)).transpose()?.flatten();
    let holders = row.into_iter().flat_map(|row| row.holders);
    Ok(holders.map(|holder| holder.id).filter(|holder| holder != id).collect())
}

/// What of a device may be swapped.
const SWAPPED: [KeyPurpose; 3] = [KeyPurpose::Signature, KeyPurpose::KeyAgreement, KeyPurpose::Tls];

fn open(id: &CertificateId) -> [WantedKey; 2] {
    [key::<IntentRow>(id), (Keyspace::Signing, crate::keyspace::id_key(id))]
}

fn key<R: Row>(of: &R::Key) -> WantedKey {
    (R::KEYSPACE, R::key(of))
}

/// A row that was fetched before; none where it was not, which is no reason to ask for it alone.
fn known<R: Row>(view: &dyn View, of: &R::Key) -> Result<Option<R>, ReadFault> {
    if view.has_read(R::KEYSPACE, &R::key(of)) { view.row::<R>(of) } else { Ok(None) }
}
