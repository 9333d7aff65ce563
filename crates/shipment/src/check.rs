//! Checking a manifest as a whole: signer, recipient, every chunk and record, counts and root, in constant memory.
//!
//! Records stand in the order of their system titles, so that one that is there twice stands beside itself.

use std::collections::BTreeMap;
use std::io::Read;

use ca_core::audit::tree::Peaks;
use ca_core::certificate::Certificate;
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;
use cms_messages::AgreementKey;

use crate::chunk;
use crate::header::Header;
use crate::read::{Chunk, ReadError, ReadRecord, SealedChunk, Shipment, same};
use crate::record;
use crate::share::ShareProofs;
use crate::signed::{Expected, SignedHeader};

/// For whom a manifest should be.
#[derive(Clone, Copy)]
pub struct Recipient<'a> {
    /// The distribution system operator, where that is to be looked at.
    pub tenant: Option<&'a TenantId>,
    /// The certificate that chunks are sealed for.
    pub certificate: &'a Certificate,
    /// Its key.
    pub key: &'a dyn AgreementKey,
}

impl core::fmt::Debug for Recipient<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Recipient").field("tenant", &self.tenant).finish_non_exhaustive()
    }
}

impl Recipient<'_> {
    /// Checks that a manifest is for this recipient.
    ///
    /// # Errors
    /// [`ReadError::OtherRecipient`].
    pub fn check(&self, header: &Header) -> Result<(), ReadError> {
        let addressee = &header.recipient;
        let is_certificate = addressee.certificate == chunk::digest(self.certificate.der());
        if is_certificate && self.tenant.is_none_or(|tenant| *tenant == addressee.tenant) {
            return Ok(());
        }
        Err(ReadError::OtherRecipient { tenant: addressee.tenant.to_string() })
    }
}

/// A record in its place.
#[derive(Debug, Clone, Copy)]
pub struct Placed<'a> {
    /// Its place in the manifest, from 0.
    pub index: u64,
    /// The record.
    pub record: &'a ReadRecord,
    /// The right edge of the tree before it.
    pub before: &'a Peaks,
}

/// A manifest that is in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Its header.
    pub signed: SignedHeader,
    /// How many certificates its devices have.
    pub certificates: u64,
    /// How many secrets its devices have.
    pub secrets: u64,
}

/// Checks a manifest from its first octet to its last, and shows every record, in order, once it was checked.
///
/// What it is shown was signed by whoever is expected; that all is there and counts are right is clear at the end only.
///
/// # Errors
/// [`ReadError`].
pub fn check<R: Read>(
    from: R,
    expected: &Expected<'_>,
    recipient: &Recipient<'_>,
    see: &mut dyn FnMut(&Placed<'_>),
) -> Result<Checked, ReadError> {
    go_through(begin(from, expected, recipient)?, recipient, see)
}

/// The same, and collects what proves the records of each chunk alone.
///
/// # Errors
/// [`ReadError`].
pub fn check_with_proofs<R: Read>(
    from: R,
    expected: &Expected<'_>,
    recipient: &Recipient<'_>,
) -> Result<(Checked, ShareProofs), ReadError> {
    let shipment = begin(from, expected, recipient)?;
    let mut proofs = ShareProofs::of(shipment.records_of_chunks());
    let checked = go_through(shipment, recipient, &mut |placed| proofs.see(placed.record))?;
    Ok((checked, proofs))
}

fn begin<R: Read>(
    from: R,
    expected: &Expected<'_>,
    recipient: &Recipient<'_>,
) -> Result<Shipment<R>, ReadError> {
    let shipment = Shipment::open(from)?;
    shipment.signed().judge(expected)?;
    recipient.check(shipment.header())?;
    Ok(shipment)
}

fn go_through<R: Read>(
    mut shipment: Shipment<R>,
    recipient: &Recipient<'_>,
    see: &mut dyn FnMut(&Placed<'_>),
) -> Result<Checked, ReadError> {
    let mut tally = Tally::new(shipment.header().groups.len());
    while let Some(chunk) = shipment.next_chunk()? {
        tally.take(&open(&chunk, recipient, shipment.header())?, see)?;
    }
    tally.close(shipment.header())?;
    let Tally { certificates, secrets, .. } = tally;
    Ok(Checked { signed: shipment.signed().clone(), certificates, secrets })
}

/// Opens a chunk and checks its records one by one.
fn open(chunk: &SealedChunk, recipient: &Recipient<'_>, header: &Header) -> Result<Chunk, ReadError> {
    let opened = chunk.open(recipient.key)?;
    for (place, one) in opened.records.iter().enumerate() {
        record::judge(&one.device, |label| header.carries(label)).map_err(|fault| ReadError::Record {
            title: Some(one.device.title),
            place: (opened.number, place),
            fault,
        })?;
    }
    Ok(opened)
}

/// What was seen of a manifest so far.
struct Tally {
    last: Option<SystemTitle>,
    tree: Peaks,
    groups: BTreeMap<(String, String), u64>,
    /// How many groups the header has: more are not remembered.
    announced_groups: usize,
    certificates: u64,
    secrets: u64,
}

impl Tally {
    const fn new(announced_groups: usize) -> Self {
        Self {
            last: None,
            tree: Peaks::EMPTY,
            groups: BTreeMap::new(),
            announced_groups,
            certificates: 0,
            secrets: 0,
        }
    }

    fn take(&mut self, chunk: &Chunk, see: &mut dyn FnMut(&Placed<'_>)) -> Result<(), ReadError> {
        for record in &chunk.records {
            let device = &record.device;
            follows(self.last, device.title)?;
            self.last = Some(device.title);
            *self.groups.entry((device.model.clone(), device.batch.clone())).or_default() += 1;
            if self.groups.len() > self.announced_groups {
                same_groups(self.announced_groups, self.groups.len())?;
            }
            self.certificates += u64::try_from(device.certificates.len()).unwrap_or_default();
            self.secrets += u64::try_from(device.secrets.len()).unwrap_or_default();
            see(&Placed { index: self.tree.size(), record, before: &self.tree });
            drop(self.tree.append(record.leaf));
        }
        Ok(())
    }

    fn close(&self, header: &Header) -> Result<(), ReadError> {
        same("devices", header.devices, self.tree.size())?;
        for group in &header.groups {
            let found = self.groups.get(&(group.model.clone(), group.batch.clone()));
            same("devices of a model and batch", group.devices, found.copied().unwrap_or_default())?;
        }
        same_groups(header.groups.len(), self.groups.len())?;
        if self.tree.root() == header.root { Ok(()) } else { Err(ReadError::Root) }
    }
}

fn same_groups(announced: usize, found: usize) -> Result<(), ReadError> {
    let of = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    same("models and batches", of(announced), of(found))
}

/// Checks that a device may stand behind another.
fn follows(before: Option<SystemTitle>, title: SystemTitle) -> Result<(), ReadError> {
    match before {
        Some(before) if before == title => Err(ReadError::RepeatedTitle { title }),
        Some(before) if before > title => Err(ReadError::RecordOrder { title, before }),
        Some(_) | None => Ok(()),
    }
}
