//! What is asked of a fleet of devices, and what is done to many of them at once. Values only.

use super::{CertificateId, Device, DeviceAct, DeviceField, DeviceState, IllegalTransition};
use crate::audit::AuditEvent;
use crate::key_ref::KeyRef;
use crate::profile::KeyPurpose;
use crate::serial_number::SerialNumber;
use crate::system_title::SystemTitle;
use crate::tenant::TenantId;
use crate::validity::Validity;

/// How many system titles one audit record names at most: its detail then fits into a row of the ledger.
pub const TITLES_IN_A_RECORD: usize = 200;

/// Which devices of an owner to list, in the order of their system titles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceQuery {
    /// The owner.
    pub tenant: TenantId,
    /// Only those that stand here.
    pub state: Option<DeviceState>,
    /// Only those with these texts in these fields, exactly.
    pub fields: Vec<(DeviceField, String)>,
    /// Only those whose system titles begin with these octets.
    pub title_prefix: Vec<u8>,
    /// Only the one whose key has this SHA-256, of SubjectPublicKeyInfo.
    pub key: Option<[u8; 32]>,
    /// Only those with a certificate of this serial number, delivered or issued by one of these keys.
    pub certificate: Option<(SerialNumber, Vec<KeyRef>)>,
    /// Only those that this delivery described last.
    pub delivery: Option<[u8; 32]>,
    /// Only those that are not in operation.
    pub without_operational: bool,
    /// Only those that come after this one.
    pub after: Option<SystemTitle>,
    /// At most so many.
    pub limit: usize,
}

impl DeviceQuery {
    /// Asks for all devices of an owner, `limit` at a time.
    #[must_use]
    pub const fn of(tenant: TenantId, limit: usize) -> Self {
        Self {
            tenant,
            state: None,
            fields: Vec::new(),
            title_prefix: Vec::new(),
            key: None,
            certificate: None,
            delivery: None,
            without_operational: false,
            after: None,
            limit,
        }
    }
}

/// Devices that were found, and where to look on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FoundDevices {
    /// The devices, in the order of their system titles.
    pub devices: Vec<Device>,
    /// `after` of the next question; `None` when there are no more. One question looks at a bounded number of candidates, so
    /// that fewer than `limit`, even none, may be found and there is more to look at.
    pub next: Option<SystemTitle>,
    /// How many candidates were looked at.
    pub looked_at: u64,
}

/// How many devices have one text in a field, by their states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCount {
    /// The text; empty where all are counted.
    pub value: String,
    /// How many stand where, in the order of [`DeviceState::ALL`].
    pub states: [u64; 7],
}

impl DeviceCount {
    /// Returns how many there are in all states.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.states.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

/// Something that became of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeviceEventKind {
    /// It was put on its first owner's list.
    Imported,
    /// It was described anew.
    Described,
    /// Its maker put it on record when it was made.
    Manufactured,
    /// Its maker sent it to an owner.
    Shipped,
    /// It passed to another owner.
    OwnerChanged,
    /// Its factory key claimed it.
    Claimed,
    /// It got its first operational certificate at this owner.
    Operational,
    /// A certificate was issued.
    CertificateIssued,
    /// A certificate was issued in the place of another.
    CertificateRenewed,
    /// A certificate was revoked for good.
    CertificateRevoked,
    /// A certificate was put on hold.
    CertificateHeld,
    /// A certificate was released from hold.
    CertificateReleased,
    /// It was suspended.
    Suspended,
    /// It was resumed.
    Resumed,
    /// It was retired.
    Retired,
    /// Its wrapped secrets were given out.
    SecretsExported,
}

impl DeviceEventKind {
    /// Every kind, in the order of the numbers by which rows know them.
    pub const ALL: [Self; 16] = [
        Self::Imported,
        Self::Described,
        Self::Manufactured,
        Self::Shipped,
        Self::OwnerChanged,
        Self::Claimed,
        Self::Operational,
        Self::CertificateIssued,
        Self::CertificateRenewed,
        Self::CertificateRevoked,
        Self::CertificateHeld,
        Self::CertificateReleased,
        Self::Suspended,
        Self::Resumed,
        Self::Retired,
        Self::SecretsExported,
    ];

    /// Returns the word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Imported => "imported",
            Self::Described => "described",
            Self::Manufactured => "manufactured",
            Self::Shipped => "shipped",
            Self::OwnerChanged => "owner-changed",
            Self::Claimed => "claimed",
            Self::Operational => "operational",
            Self::CertificateIssued => "certificate-issued",
            Self::CertificateRenewed => "certificate-renewed",
            Self::CertificateRevoked => "certificate-revoked",
            Self::CertificateHeld => "certificate-held",
            Self::CertificateReleased => "certificate-released",
            Self::Suspended => "suspended",
            Self::Resumed => "resumed",
            Self::Retired => "retired",
            Self::SecretsExported => "secrets-exported",
        }
    }
}

/// A line of a device's history. When it was, and who caused it, its audit record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceEvent {
    /// The number of its audit record.
    pub sequence: u64,
    /// What became of the device.
    pub kind: DeviceEventKind,
    /// Whose it was from then on; `None` where that was not the question.
    pub owner: Option<TenantId>,
    /// Where it stood from then on; `None` where that was not the question.
    pub state: Option<DeviceState>,
    /// The delivery that told of it.
    pub delivery: Option<[u8; 32]>,
    /// The certificate concerned.
    pub certificate: Option<CertificateId>,
}

/// A certificate that was delivered with a device: of another PKI, whose word it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCredential {
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub key_fingerprint: [u8; 32],
    /// What the key is for.
    pub purpose: KeyPurpose,
    /// The issuer's name as it is shown; shortened beyond 200 characters.
    pub issuer: String,
    /// Its serial number.
    pub serial: SerialNumber,
    /// The period it is valid.
    pub validity: Validity,
    /// Its DER octets.
    pub certificate: Vec<u8>,
}

/// An act on devices, by an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceChange {
    /// Whose devices they must be.
    pub tenant: TenantId,
    /// Which devices, each once.
    pub titles: Vec<SystemTitle>,
    /// What becomes of them: `Ship`, `Suspend`, `Resume`, `Retire` or `Transfer`.
    pub act: DeviceAct,
    /// To whom they are sent or pass; of no meaning for other acts.
    pub to: Option<TenantId>,
    /// The audit event, whose detail says why. The ledger adds which devices, and seals it as often as they need it.
    pub event: AuditEvent,
}

impl DeviceChange {
    /// Returns a device as it is after the act, and what its history says of that.
    ///
    /// # Errors
    /// [`ChangeRefusal`].
    pub fn applied_to(&self, known: Option<&Device>) -> Result<(Device, DeviceEventKind), ChangeRefusal> {
        let known = known.filter(|device| device.expected.tenant == self.tenant);
        let mut device = known.ok_or(ChangeRefusal::Unknown)?.clone();
        let other = || self.to.clone().filter(|to| *to != self.tenant).ok_or(ChangeRefusal::SameOwner);
        let kind = match self.act {
            DeviceAct::Ship => {
                let to = other()?;
                device.take(DeviceAct::Ship)?;
                device.shipped_to = Some(to);
                return Ok((device, DeviceEventKind::Shipped));
            }
            DeviceAct::Transfer => {
                device.pass_to(DeviceAct::Transfer, other()?, self.event.time)?;
                return Ok((device, DeviceEventKind::OwnerChanged));
            }
            DeviceAct::Suspend => DeviceEventKind::Suspended,
            DeviceAct::Resume => DeviceEventKind::Resumed,
            DeviceAct::Retire => DeviceEventKind::Retired,
            // These are no acts of an operator's own: a delivery, or the device itself, causes them.
            act @ (DeviceAct::Receive | DeviceAct::Claim | DeviceAct::Operate) => {
                return Err(IllegalTransition { act, state: device.state }.into());
            }
        };
        device.take(self.act)?;
        Ok((device, kind))
    }
}

/// What became of an act on devices.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChangeOutcome {
    /// What was changed.
    pub changed: Vec<SystemTitle>,
    /// What was not, and why.
    pub refused: Vec<(SystemTitle, ChangeRefusal)>,
    /// The numbers of the first and the last audit record; `None` when nothing was changed.
    pub records: Option<(u64, u64)>,
}

/// Why a device is not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChangeRefusal {
    /// The owner has no such device.
    #[error("the owner has no such device")]
    Unknown,
    /// The act is not legal from where it stands.
    #[error(transparent)]
    Illegal(#[from] IllegalTransition),
    /// It was sent to nobody, or it would pass to whom it belongs.
    #[error("it belongs to this owner already")]
    SameOwner,
}

impl ChangeRefusal {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unknown => "device.unknown",
            Self::Illegal(illegal) => match illegal.state.out_of_use() {
                Some(out) => out.code(),
                None => "device.state",
            },
            Self::SameOwner => "device.same_owner",
        }
    }
}

/// Puts into the detail of an audit record which devices it tells of.
#[must_use]
pub fn detail_naming(words: &str, titles: &[SystemTitle]) -> String {
    let mut detail = format!("{words}: ");
    for (place, title) in titles.iter().enumerate() {
        detail.push_str(if place == 0 { "" } else { " " });
        detail.push_str(&title.to_string());
    }
    detail
}

/// Reads which devices the detail of an audit record tells of: the system titles at its end. None where it names none.
#[must_use]
pub fn titles_named(detail: &str) -> Vec<SystemTitle> {
    let Some((_, list)) = detail.rsplit_once(": ") else { return Vec::new() };
    list.split(' ').map(SystemTitle::parse).collect::<Result<_, _>>().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_titles_of_a_record_read_back() {
        let titles: Vec<SystemTitle> = (0..3).map(|number| SystemTitle::new([number; 8])).collect();
        for words in ["suspended", "suspended: stolen from a van: 3"] {
            assert_eq!(titles_named(&detail_naming(words, &titles)), titles);
        }
        assert_eq!(titles_named("3 devices"), []);
        assert_eq!(titles_named("why: because"), []);
        assert_eq!(titles_named(&detail_naming("none", &[])), []);
    }

    #[test]
    fn a_record_with_all_the_titles_it_may_name_fits_into_a_row() {
        let titles = vec![SystemTitle::new([255; 8]); TITLES_IN_A_RECORD];
        let detail = detail_naming(&"w".repeat(400), &titles);
        assert!(detail.len() < 4_200, "{}", detail.len());
    }
}
