//! The import of a delivery in parts: what is kept of it, and which step may follow which.
//!
//! A delivery is named by the SHA-256 of its file, opened once, taken in part by part in order, and closed once. Pure: the
//! ledger asks here, and writes down what follows, inside its transaction.

use super::{DeviceCredential, ExpectedDevice, Mark, WrappedSecret};
use crate::audit::AuditEvent;
use crate::tenant::TenantId;
use crate::validity::UnixTime;

/// How many devices one part has at most.
pub const DEVICES_IN_A_PART: usize = 1_000;

/// What a delivery was made from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliverySource {
    /// A signed and encrypted manifest of ours.
    Manifest,
    /// A file of the manufacturer's own form, read through a map.
    Mapped,
}

impl DeliverySource {
    /// Returns the word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Manifest => "manifest",
            Self::Mapped => "mapped",
        }
    }

    /// Returns the source that this word names.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Manifest, Self::Mapped].into_iter().find(|source| source.name() == name)
    }
}

/// A delivery, and how far it was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// SHA-256 of the whole file.
    pub digest: [u8; 32],
    /// Whose devices they become.
    pub tenant: TenantId,
    /// Who made them.
    pub manufacturer: TenantId,
    /// What it was made from.
    pub source: DeliverySource,
    /// Its batch; may be empty.
    pub batch: String,
    /// SHA-256 of what it is read by: the signed header of a manifest, or the map of a file.
    pub basis: Option<[u8; 32]>,
    /// How many devices its file says it has.
    pub announced: u64,
    /// How many of them came.
    pub received: u64,
    /// How many were put on the list or described anew.
    pub imported: u64,
    /// How many stood there with the same content.
    pub unchanged: u64,
    /// How many were refused.
    pub refused: u64,
    /// The number of the part that is to come.
    pub next_part: u32,
    /// Who opened it, and when.
    pub opened: Mark,
    /// Who closed it, and when.
    pub closed: Option<Mark>,
}

impl Delivery {
    /// Tells whether another opening tells of the same delivery.
    #[must_use]
    pub fn is_opened_as(&self, other: &Self) -> bool {
        let told = |one: &Self| {
            (
                one.digest,
                one.tenant.clone(),
                one.manufacturer.clone(),
                one.source,
                one.batch.clone(),
                one.basis,
                one.announced,
            )
        };
        told(self) == told(other)
    }

    /// Tells whether this part is the next one; `Ok(false)` for one that was taken in before.
    ///
    /// # Errors
    /// [`DeliveryConflict::PartOrder`] for one that is to come later, `Repeated` for a new one of a closed delivery.
    pub fn expects(&self, part: u32) -> Result<bool, DeliveryConflict> {
        match (&self.closed, part) {
            (_, part) if part < self.next_part => Ok(false),
            (Some(closed), _) => Err(DeliveryConflict::Repeated { closed_at: closed.at }),
            (None, part) if part == self.next_part => Ok(true),
            (None, part) => Err(DeliveryConflict::PartOrder { part, next: self.next_part }),
        }
    }

    /// Closes it; what is closed already stays as it is.
    ///
    /// # Errors
    /// [`DeliveryConflict::Count`] when more or fewer devices came than were announced, and that was not accepted.
    pub fn close(&mut self, mark: Mark, count: CountRule) -> Result<bool, DeliveryConflict> {
        if self.closed.is_some() {
            return Ok(false);
        }
        if count == CountRule::AsAnnounced && self.announced != self.received {
            return Err(DeliveryConflict::Count { announced: self.announced, received: self.received });
        }
        self.closed = Some(mark);
        Ok(true)
    }
}

/// Whether a delivery may be closed with another count than was announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountRule {
    /// It may not.
    AsAnnounced,
    /// An operator accepts whatever came.
    Accepted,
}

/// A part of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryPart {
    /// Which delivery.
    pub digest: [u8; 32],
    /// Its number, from 0.
    pub part: u32,
    /// SHA-256 of what it says: the same part again says the same.
    pub content: [u8; 32],
    /// Its devices, each checked or refused for what it is.
    pub devices: Vec<Result<CheckedDevice, RefusedDevice>>,
    /// The audit event. The ledger adds which devices, and seals it as often as they need it.
    pub event: AuditEvent,
}

/// A delivered device whose certificates were checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedDevice {
    /// How it was described.
    pub expected: ExpectedDevice,
    /// The certificates that came with it.
    pub credentials: Vec<DeviceCredential>,
    /// The wrapped secrets that came with it.
    pub secrets: Vec<WrappedSecret>,
}

/// A delivered device that is not taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedDevice {
    /// The system title as it was given; shortened beyond 32 characters.
    pub title: String,
    /// The stable reason code.
    pub code: String,
    /// One sentence; shortened beyond 200 characters.
    pub message: String,
}

/// What became of a part.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PartOutcome {
    /// How many were put on the list or described anew.
    pub added: u64,
    /// How many stood there with the same content.
    pub unchanged: u64,
    /// What was not taken in.
    pub refused: Vec<RefusedDevice>,
}

/// Why the ledger does not take in a delivery, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryConflict {
    /// It was taken in and closed before.
    #[error("this delivery was imported before, and closed at {closed_at}")]
    Repeated {
        /// When.
        closed_at: UnixTime,
    },
    /// It was opened before, and told otherwise.
    #[error("the delivery with this digest was opened with another tenant, manufacturer, batch or count")]
    Differs,
    /// Nobody opened it.
    #[error("no delivery with this digest is open")]
    Unknown,
    /// Another part is the next one.
    #[error("part {part} came, and part {next} is the next one")]
    PartOrder {
        /// The part that came.
        part: u32,
        /// The one that is to come.
        next: u32,
    },
    /// The part was taken in before, and said something else then.
    #[error("part {part} was taken in before, and said something else")]
    PartDiffers {
        /// Which part.
        part: u32,
    },
    /// More or fewer devices came than were announced.
    #[error("{announced} devices were announced, and {received} came")]
    Count {
        /// How many were announced.
        announced: u64,
        /// How many came.
        received: u64,
    },
}

impl DeliveryConflict {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Repeated { .. } => "delivery.repeated",
            Self::Differs => "delivery.differs",
            Self::Unknown => "delivery.unknown",
            Self::PartOrder { .. } => "delivery.part_order",
            Self::PartDiffers { .. } => "delivery.part_differs",
            Self::Count { .. } => "delivery.count",
        }
    }
}

/// Why the ledger does not take in a device whose certificates are sound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeliveredRefusal {
    /// It is on the list of another owner, and was not sent to this one.
    #[error("the device is on the list of another owner")]
    OtherOwner,
    /// It was claimed or is in operation, and would be described otherwise.
    #[error("the device is in service, and described otherwise")]
    Claimed,
    /// It is suspended or retired.
    #[error("the device is {0}")]
    OutOfUse(super::OutOfUse),
    /// It stands in this delivery already.
    #[error("the device stands in this delivery already")]
    Repeated,
    /// A key that came with it is known under another system title, or for another purpose.
    #[error("a key of the device is known under {subject} for {purpose}", purpose = purpose.name())]
    KeyReused {
        /// Under which subject.
        subject: String,
        /// For which purpose.
        purpose: crate::profile::KeyPurpose,
    },
    /// A key that came with it was reported compromised.
    #[error("a key of the device was reported compromised")]
    KeyBlocked,
}

impl DeliveredRefusal {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::OtherOwner => "device.other_owner",
            Self::Claimed => "device.claimed",
            Self::OutOfUse(out) => out.code(),
            Self::Repeated => "device.repeated",
            Self::KeyReused { .. } => "device.key_reused",
            Self::KeyBlocked => "device.key_blocked",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_seconds(1_795_219_200);

    fn mark() -> Mark {
        Mark { by: "operator:uid-1000".to_owned(), at: NOW }
    }

    fn delivery() -> Delivery {
        Delivery {
            digest: [7; 32],
            tenant: TenantId::parse("dso").unwrap(),
            manufacturer: TenantId::parse("maker").unwrap(),
            source: DeliverySource::Mapped,
            batch: String::new(),
            basis: None,
            announced: 3,
            received: 2,
            imported: 2,
            unchanged: 0,
            refused: 0,
            next_part: 1,
            opened: mark(),
            closed: None,
        }
    }

    #[test]
    fn parts_come_in_order_and_each_may_come_again() {
        let delivery = delivery();
        assert_eq!(delivery.expects(0), Ok(false));
        assert_eq!(delivery.expects(1), Ok(true));
        assert_eq!(delivery.expects(2), Err(DeliveryConflict::PartOrder { part: 2, next: 1 }));
    }

    #[test]
    fn a_closed_delivery_takes_no_new_part() {
        let mut delivery = delivery();
        let count = DeliveryConflict::Count { announced: 3, received: 2 };
        assert_eq!(delivery.close(mark(), CountRule::AsAnnounced), Err(count));
        assert_eq!(delivery.close(mark(), CountRule::Accepted), Ok(true));
        assert_eq!(delivery.close(mark(), CountRule::AsAnnounced), Ok(false));
        assert_eq!(delivery.expects(0), Ok(false));
        assert_eq!(delivery.expects(1), Err(DeliveryConflict::Repeated { closed_at: NOW }));
    }
}
