//! Writing a manifest in constant memory: chunks go to a spool as they fill, and behind the header when that is known.
//!
//! What is written is what [`check`](crate::check) accepts: a device that it would refuse is refused here. The spool holds
//! sealed chunks only.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, Write};

use ca_core::audit::tree::{Peaks, leaf_hash};
use ca_core::certificate::Certificate;
use ca_core::distinguished_name::DistinguishedName;
use ca_core::ports::{Entropy, Signer, Unavailable};
use ca_core::record::DeliveredDevice;
use ca_core::system_title::SystemTitle;
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;
use cms_messages::SealError;

use crate::chunk::{self, Entry, FULL_OCTETS, MAX_CHUNKS, MAX_LIST_OCTETS, MAX_RECORDS};
use crate::header::{Addressee, Group, Header, MAX_GROUPS, TransportKey};
use crate::record::{self, RecordFault, SALT_OCTETS};
use crate::signed::{MAX_HEADER_OCTETS, SignHeaderError, SignedHeader, may_receive, may_sign};

/// What is to stand in the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Who delivers.
    pub manufacturer: TenantId,
    /// To which distribution system operator.
    pub tenant: TenantId,
    /// What the manufacturer calls the shipment; 1 to 64 octets.
    pub shipment: String,
    /// The order that it answers; up to 64 octets, maybe none.
    pub order: String,
    /// The present.
    pub made_at: UnixTime,
    /// The keys that the devices' secrets are wrapped under.
    pub transport_keys: Vec<TransportKey>,
}

/// Who signs.
#[derive(Clone, Copy)]
pub struct Sender<'a> {
    /// A certificate of the profile `ship-signer`.
    pub certificate: &'a Certificate,
    /// Those above it, up to but without the trust anchor.
    pub above: &'a [Certificate],
    /// Who has its key.
    pub signer: &'a dyn Signer,
}

impl core::fmt::Debug for Sender<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Sender({})", self.certificate.subject())
    }
}

/// A manifest that is being written.
pub struct Draft<'a, S> {
    header: Header,
    recipient: &'a Certificate,
    entropy: &'a dyn Entropy,
    spool: S,
    list: Vec<Entry>,
    tree: Peaks,
    groups: BTreeMap<(String, String), u64>,
    last: Option<SystemTitle>,
    /// The records of the chunk that is filling, DER one behind the other.
    records: Vec<u8>,
    count: u32,
}

impl<S> core::fmt::Debug for Draft<'_, S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Draft").field("devices", &self.tree.size()).finish_non_exhaustive()
    }
}

impl<'a, S: Read + Write + Seek> Draft<'a, S> {
    /// Begins a manifest for the holder of a certificate of the profile `ship-recipient`; the spool is empty.
    ///
    /// # Errors
    /// [`CreateError::Recipient`], or [`CreateError::Expired`] when that certificate is out of its time.
    pub fn begin(
        plan: Plan,
        recipient: &'a Certificate,
        (spool, entropy): (S, &'a dyn Entropy),
    ) -> Result<Self, CreateError> {
        if !may_receive(recipient) {
            return Err(CreateError::Recipient { subject: recipient.subject().clone() });
        }
        in_time(recipient, plan.made_at)?;
        let mut transport_keys = plan.transport_keys;
        transport_keys.sort_by(|one, other| one.label.cmp(&other.label));
        let header = Header {
            manufacturer: plan.manufacturer,
            recipient: Addressee { tenant: plan.tenant, certificate: chunk::digest(recipient.der()) },
            shipment: plan.shipment,
            order: plan.order,
            made_at: plan.made_at,
            devices: 0,
            groups: Vec::new(),
            chunks: 0,
            chunk_list: [0; 32],
            root: [0; 32],
            transport_keys,
        };
        Ok(Self {
            header,
            recipient,
            entropy,
            spool,
            list: Vec::new(),
            tree: Peaks::EMPTY,
            groups: BTreeMap::new(),
            last: None,
            records: Vec::new(),
            count: 0,
        })
    }

    /// Adds a device; devices come in the order of their system titles.
    ///
    /// # Errors
    /// [`CreateError`]; nothing of the device is in the manifest then.
    pub fn add(&mut self, device: &DeliveredDevice) -> Result<(), CreateError> {
        let title = device.title;
        match self.last {
            Some(before) if before == title => return Err(CreateError::RepeatedTitle { title }),
            Some(before) if before > title => return Err(CreateError::Order { title, before }),
            Some(_) | None => {}
        }
        let wrong = |fault| CreateError::Record { title, fault };
        record::judge(device, |label| self.header.carries(label)).map_err(wrong)?;
        let mut salt = [0; SALT_OCTETS];
        self.entropy.fill(&mut salt)?;
        let octets = record::encode(device, salt).map_err(wrong)?;
        let group = (device.model.clone(), device.batch.clone());
        if self.groups.len() == MAX_GROUPS && !self.groups.contains_key(&group) {
            return Err(CreateError::Groups);
        }
        if self.count == MAX_RECORDS || self.records.len().saturating_add(octets.len()) > FULL_OCTETS {
            self.close_chunk()?;
        }
        *self.groups.entry(group).or_default() += 1;
        drop(self.tree.append(leaf_hash(&octets)));
        self.records.extend_from_slice(&octets);
        self.count += 1;
        self.last = Some(title);
        Ok(())
    }

    fn close_chunk(&mut self) -> Result<(), CreateError> {
        if u32::try_from(self.list.len()).is_ok_and(|chunks| chunks >= MAX_CHUNKS) {
            return Err(CreateError::Chunks);
        }
        let sealed = chunk::seal_records(&self.records, self.recipient, self.entropy)?;
        self.spool.write_all(&sealed)?;
        self.list.push(Entry { records: self.count, digest: chunk::digest(&sealed) });
        self.records.clear();
        self.count = 0;
        Ok(())
    }

    /// Signs the header and writes the manifest: header, list, and the chunks from the spool.
    ///
    /// # Errors
    /// [`CreateError`]; what was written is then no manifest.
    pub fn finish(mut self, sender: &Sender<'_>, out: &mut impl Write) -> Result<SignedHeader, CreateError> {
        if !may_sign(sender.certificate) {
            return Err(CreateError::Signer { subject: sender.certificate.subject().clone() });
        }
        in_time(sender.certificate, self.header.made_at)?;
        if self.last.is_none() {
            return Err(CreateError::Empty);
        }
        self.close_chunk()?;
        let list = chunk::encode_list(&self.list)?;
        let header = Header {
            devices: self.tree.size(),
            groups: self
                .groups
                .into_iter()
                .map(|((model, batch), devices)| Group { model, batch, devices })
                .collect(),
            chunks: u32::try_from(self.list.len()).map_err(|_| CreateError::Chunks)?,
            chunk_list: chunk::digest(&list),
            root: self.tree.root(),
            ..self.header
        };
        let signed = SignedHeader::sign(header, (sender.certificate, sender.above), sender.signer)?;
        if signed.octets().len() > MAX_HEADER_OCTETS || list.len() > MAX_LIST_OCTETS {
            return Err(CreateError::TooLong { octets: signed.octets().len() });
        }
        out.write_all(signed.octets())?;
        out.write_all(&list)?;
        self.spool.rewind()?;
        io::copy(&mut self.spool, out)?;
        out.flush()?;
        Ok(signed)
    }
}

fn in_time(certificate: &Certificate, now: UnixTime) -> Result<(), CreateError> {
    let validity = certificate.validity();
    if validity.contains(now) {
        return Ok(());
    }
    let (subject, not_before, not_after) =
        (certificate.subject().clone(), validity.not_before(), validity.not_after());
    Err(CreateError::Expired { subject, not_before, not_after })
}

/// Why a manifest is not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The recipient's certificate is not one for receiving manifests.
    #[error("the certificate of {subject} is not one that manifests are sealed for (profile ship-recipient)")]
    Recipient {
        /// Whose.
        subject: DistinguishedName,
    },
    /// The signer's certificate is not one for signing manifests.
    #[error("the certificate of {subject} is not one for signing manifests (profile ship-signer)")]
    Signer {
        /// Whose.
        subject: DistinguishedName,
    },
    /// The signer's or the recipient's certificate is out of its time.
    #[error("the certificate of {subject} is valid from {not_before} to {not_after} only")]
    Expired {
        /// Whose.
        subject: DistinguishedName,
        /// When it begins.
        not_before: UnixTime,
        /// When it ends.
        not_after: UnixTime,
    },
    /// A device cannot be in a manifest.
    #[error("the device {title} {fault}")]
    Record {
        /// Which.
        title: SystemTitle,
        /// Why.
        fault: RecordFault,
    },
    /// A device came twice.
    #[error("the device {title} came more than once")]
    RepeatedTitle {
        /// Which.
        title: SystemTitle,
    },
    /// Devices do not come in the order of their system titles.
    #[error("the device {title} came behind {before}: devices come in the order of their system titles")]
    Order {
        /// Which.
        title: SystemTitle,
        /// What came before it.
        before: SystemTitle,
    },
    /// No device came.
    #[error("there is no device to be delivered")]
    Empty,
    /// More models and batches than are counted apart.
    #[error("the devices are of more than 1000 models and batches: deliver them in several shipments")]
    Groups,
    /// More chunks than a manifest has.
    #[error("the devices take more than 65535 chunks: deliver them in several shipments")]
    Chunks,
    /// The header is longer than one may be.
    #[error("the header has {octets} octets, more than 524288: deliver in several shipments")]
    TooLong {
        /// How many it has.
        octets: usize,
    },
    /// The header is not signed.
    #[error(transparent)]
    Header(#[from] SignHeaderError),
    /// A chunk is not sealed.
    #[error("a chunk is not sealed: {0}")]
    Seal(#[from] SealError),
    /// There is no randomness.
    #[error(transparent)]
    Randomness(#[from] Unavailable),
    /// The list cannot be encoded.
    #[error("the list of chunks cannot be encoded: {0}")]
    Encoding(#[from] der::Error),
    /// The spool or the file cannot be written.
    #[error("the manifest cannot be written: {0}")]
    Unwritable(#[from] io::Error),
}

impl CreateError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Recipient { .. } => "shipment.recipient-usage",
            Self::Signer { .. } => "shipment.signer-usage",
            Self::Expired { .. } => "shipment.expired",
            Self::Record { fault, .. } => fault.code(),
            Self::RepeatedTitle { .. } => "shipment.repeated-title",
            Self::Order { .. } => "shipment.record-order",
            Self::Empty => "shipment.empty",
            Self::Groups | Self::Chunks | Self::TooLong { .. } => "shipment.too-long",
            Self::Header(SignHeaderError::Signer(_)) => "shipment.not-signed",
            Self::Header(_) | Self::Encoding(_) => "shipment.header",
            Self::Seal(_) | Self::Randomness(_) => "shipment.not-sealed",
            Self::Unwritable(_) => "shipment.unwritable",
        }
    }
}
