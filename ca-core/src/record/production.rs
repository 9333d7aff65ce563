//! A production order: how many devices a line is to make, which ones, and with which certificates. What is kept of it, and
//! which request may take a place in it.
//!
//! Not an order to revoke: that is `order`. Pure: the ledger asks here inside its transaction, with the rows at hand, and
//! writes down what follows, so that no two requests take the same place.

use core::fmt;

use super::{CertificateId, Mark};
use crate::audit::AuditEvent;
use crate::profile::{KeyPurpose, ProfileId};
use crate::reason::ReasonCode;
use crate::system_title::SystemTitle;
use crate::tenant::TenantId;
use crate::validity::UnixTime;

/// What a production order is called, in this installation once: 1 to 48 of `A`–`Z`, `a`–`z`, `0`–`9`, `.`, `_` and `-`, the
/// first of which is a letter or a digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProductionId(String);

impl ProductionId {
    /// Parses a name, such as the number of the order in the manufacturer's own books.
    ///
    /// # Errors
    /// [`ParseProductionIdError`].
    pub fn parse(text: &str) -> Result<Self, ParseProductionIdError> {
        let allowed = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'_' | b'-');
        let begins = text.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
        if begins && text.len() <= 48 && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseProductionIdError)
        }
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProductionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not the name of a production order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a production order is named by 1 to 48 of A-Z, a-z, 0-9, '.', '_' and '-', beginning with a letter or digit"
)]
pub struct ParseProductionIdError;

/// A certificate that every device of an order gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderedCertificate {
    /// What its key is for; once in an order.
    pub purpose: KeyPurpose,
    /// The profile it is issued under.
    pub profile: ProfileId,
}

/// Which devices an order is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OrderedTitles {
    /// Those from the first to the last title of any of these ranges, both included.
    Ranges(Vec<(SystemTitle, SystemTitle)>),
    /// Those on a list that the ledger keeps.
    Listed {
        /// How many are on it.
        count: u64,
    },
}

impl OrderedTitles {
    /// Tells whether a title is among them; `listed` tells whether it is on the list.
    #[must_use]
    pub fn contain(&self, title: &SystemTitle, listed: bool) -> bool {
        match self {
            Self::Ranges(ranges) => ranges.iter().any(|(first, last)| (first..=last).contains(&title)),
            Self::Listed { .. } => listed,
        }
    }
}

/// How far an order is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProductionState {
    /// Certificates are issued under it, until its time is over.
    Open,
    /// The line is done with it.
    Closed,
    /// It is not made, or not to its end.
    Cancelled,
}

impl ProductionState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Open, Self::Closed, Self::Cancelled];

    /// Returns its word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Returns the state of this word, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// What was made of an order. A device has a place from its first intent on, until its last one is aborted or it is scrapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ProductionCount {
    /// How many devices have a place: never more than were ordered.
    pub places: u64,
    /// How many of them have every certificate that a device gets.
    pub complete: u64,
    /// How many certificates are being made at this moment.
    pub under_way: u64,
    /// How many devices were scrapped, and gave their places back.
    pub scrapped: u64,
}

/// A production order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductionOrder {
    /// Its name.
    pub id: ProductionId,
    /// The manufacturer.
    pub tenant: TenantId,
    /// How many devices were ordered: the most that have a place.
    pub ordered: u64,
    /// What each device gets, by purpose.
    pub certificates: Vec<OrderedCertificate>,
    /// Which devices.
    pub titles: OrderedTitles,
    /// Model name, as the delivery will say; may be empty.
    pub model: String,
    /// Firmware version at delivery; may be empty.
    pub firmware: String,
    /// Delivery batch; may be empty.
    pub batch: String,
    /// For whom they are made, if that is known.
    pub customer: Option<TenantId>,
    /// The names of the registration authorities whose requests count for it. Each works on one open order at a time.
    pub stations: Vec<String>,
    /// The last second in which a certificate can be asked for.
    pub until: UnixTime,
    /// Who opened it, and when.
    pub opened: Mark,
    /// How far it is open.
    pub state: ProductionState,
    /// Who ended it, when and why.
    pub ended: Option<(Mark, String)>,
    /// What was made of it.
    pub count: ProductionCount,
}

impl ProductionOrder {
    /// Tells whether a request may be answered under this order: all but whether the device has the certificate, and whether
    /// there is a place for it.
    ///
    /// # Errors
    /// [`ProductionRefusal`]; what the order is at all comes first.
    pub fn admits(
        &self,
        (tenant, profile, purpose): (&TenantId, &ProfileId, KeyPurpose),
        (title, listed): (&SystemTitle, bool),
        now: UnixTime,
    ) -> Result<(), ProductionRefusal> {
        if self.tenant != *tenant {
            // Whose orders there are is told to nobody else.
            return Err(ProductionRefusal::Unknown);
        }
        if self.state != ProductionState::Open {
            return Err(ProductionRefusal::Closed);
        }
        if now > self.until {
            return Err(ProductionRefusal::Expired { until: self.until });
        }
        if !self.titles.contain(title, listed) {
            return Err(ProductionRefusal::Title);
        }
        let wanted = |one: &OrderedCertificate| one.purpose == purpose && one.profile == *profile;
        if self.certificates.iter().any(wanted) { Ok(()) } else { Err(ProductionRefusal::Purpose) }
    }

    /// Takes a place for a device that has none.
    ///
    /// # Errors
    /// [`ProductionRefusal::Full`]: as many devices as were ordered have one.
    pub fn take_place(&mut self) -> Result<(), ProductionRefusal> {
        if self.count.places >= self.ordered {
            return Err(ProductionRefusal::Full { ordered: self.ordered });
        }
        self.count.places = self.count.places.saturating_add(1);
        Ok(())
    }

    /// Tells whether a device that has certificates for these purposes has all that it gets.
    pub fn is_complete(&self, issued: impl Iterator<Item = KeyPurpose> + Clone) -> bool {
        self.certificates.iter().all(|one| issued.clone().any(|purpose| purpose == one.purpose))
    }
}

/// Under which order a certificate is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProductionOf {
    /// Under this one.
    Order(ProductionId),
    /// Under the open one that this registration authority of the tenant works on.
    Station(String),
    /// Under none, where one is needed: nothing is issued.
    None,
}

/// Why a request is not answered under a production order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProductionRefusal {
    /// It needs an order, and names none, or its station works on none.
    Required,
    /// There is no such order of this tenant.
    Unknown,
    /// The order was closed or cancelled.
    Closed,
    /// The time of the order is over.
    Expired {
        /// The last second it had.
        until: UnixTime,
    },
    /// The device is not among those of the order, or is being made under another.
    Title,
    /// A device of the order gets no such certificate, or has it already.
    Purpose,
    /// As many devices as were ordered have their places.
    Full {
        /// How many that is.
        ordered: u64,
    },
}

impl ProductionRefusal {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Required => "order.required",
            Self::Unknown => "order.unknown",
            Self::Closed => "order.closed",
            Self::Expired { .. } => "order.expired",
            Self::Title => "order.title",
            Self::Purpose => "order.purpose",
            Self::Full { .. } => "order.full",
        }
    }
}

impl fmt::Display for ProductionRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Required => {
                f.write_str("such a certificate is issued under a production order, and there is none")
            }
            Self::Unknown => f.write_str("there is no such production order"),
            Self::Closed => f.write_str("the production order is closed"),
            Self::Expired { until } => write!(f, "the production order was open until {until}"),
            Self::Title => f.write_str("the device is not one of the production order"),
            Self::Purpose => f.write_str(
                "the device gets no such certificate under the production order, or has it already",
            ),
            Self::Full { ordered } => {
                write!(f, "all {ordered} devices of the production order have their places")
            }
        }
    }
}

/// A device of a production order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProducedDevice {
    /// The device.
    pub title: SystemTitle,
    /// Its certificates, open intents among them.
    pub certificates: Vec<ProducedCertificate>,
    /// How often it was scrapped under the order.
    pub scrapped: u32,
}

/// A certificate that counts for a production order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProducedCertificate {
    /// What its key is for.
    pub purpose: KeyPurpose,
    /// Which certificate or intent.
    pub id: CertificateId,
    /// Whether it was issued; an open intent otherwise.
    pub issued: bool,
}

/// An order is to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductionEnd {
    /// Which order.
    pub id: ProductionId,
    /// Closed or cancelled.
    pub state: ProductionState,
    /// Who ends it, and when.
    pub mark: Mark,
    /// Why; empty where it was made to its end.
    pub reason: String,
    /// The audit event `ProductionClosed` or `ProductionCancelled`, in the same transaction; the ledger adds the counts.
    pub event: AuditEvent,
}

/// A device is to be scrapped: its certificates are revoked, and its place is free again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScrapRecord {
    /// Under which order it was made.
    pub id: ProductionId,
    /// The device.
    pub title: SystemTitle,
    /// Why its certificates are revoked; never a hold.
    pub reason: ReasonCode,
    /// The audit event `DeviceScrapped`, in the same transaction, and the model of the events `CertificateRevoked`.
    pub event: AuditEvent,
}

/// What became of a device that was scrapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scrapped {
    /// The certificates that were revoked now; others of the device were revoked before.
    pub revoked: Vec<CertificateId>,
    /// The order as it stands then.
    pub order: ProductionOrder,
}

/// Why an act on a production order is not recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProductionConflict {
    /// There is no such order.
    Unknown,
    /// There is one of this name already.
    Known,
    /// A station works on another open order.
    StationTaken {
        /// Which station.
        station: String,
        /// On which order.
        by: ProductionId,
    },
    /// It ended before.
    Ended {
        /// By whom.
        by: Mark,
    },
    /// Certificates are being made under it at this moment.
    UnderWay {
        /// How many.
        certificates: u64,
    },
    /// The device has no place in it.
    NotMade,
}

/// Which production orders to list, by their names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProductionQuery {
    /// Only of this tenant.
    pub tenant: Option<TenantId>,
    /// Only those of this state.
    pub state: Option<ProductionState>,
    /// Only those that come after this one.
    pub after: Option<ProductionId>,
    /// At most so many.
    pub limit: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixTime = UnixTime::from_seconds(1_795_255_200);

    fn title(number: u8) -> SystemTitle {
        SystemTitle::new([b'M', b'P', b'K', 0, 0, 0, 0, number])
    }

    fn profile(name: &str) -> ProfileId {
        ProfileId::parse(name).unwrap()
    }

    fn order(titles: OrderedTitles) -> ProductionOrder {
        let one = |purpose, name| OrderedCertificate { purpose, profile: profile(name) };
        ProductionOrder {
            id: ProductionId::parse("PO-2026.1").unwrap(),
            tenant: TenantId::parse("maker").unwrap(),
            ordered: 2,
            certificates: vec![one(KeyPurpose::Signature, "ds"), one(KeyPurpose::KeyAgreement, "ka")],
            titles,
            model: String::new(),
            firmware: String::new(),
            batch: String::new(),
            customer: None,
            stations: Vec::new(),
            until: NOW,
            opened: Mark { by: "operator:ada".to_owned(), at: NOW },
            state: ProductionState::Open,
            ended: None,
            count: ProductionCount::default(),
        }
    }

    fn ask(order: &ProductionOrder, purpose: KeyPurpose, number: u8) -> Result<(), ProductionRefusal> {
        let name = if purpose == KeyPurpose::Signature { "ds" } else { "ka" };
        order.admits((&order.tenant.clone(), &profile(name), purpose), (&title(number), false), NOW)
    }

    #[test]
    fn a_range_has_both_of_its_ends() {
        let order = order(OrderedTitles::Ranges(vec![(title(3), title(5))]));
        let inside: Vec<u8> = (0..9).filter(|one| ask(&order, KeyPurpose::Signature, *one).is_ok()).collect();
        assert_eq!(inside, [3, 4, 5]);
        assert_eq!(ask(&order, KeyPurpose::Signature, 6), Err(ProductionRefusal::Title));
    }

    #[test]
    fn what_is_not_ordered_is_refused_with_its_reason() {
        let sound = order(OrderedTitles::Ranges(vec![(title(1), title(9))]));
        let ka = KeyPurpose::KeyAgreement;
        let under = |name: &str, purpose| {
            sound.admits((&sound.tenant, &profile(name), purpose), (&title(1), false), NOW)
        };
        assert_eq!(under("ka", ka), Ok(()));
        assert_eq!(under("other", ka), Err(ProductionRefusal::Purpose));
        assert_eq!(under("ds", KeyPurpose::Tls), Err(ProductionRefusal::Purpose));
        let stranger = TenantId::parse("stranger").unwrap();
        let asked = sound.admits((&stranger, &profile("ka"), ka), (&title(1), false), NOW);
        assert_eq!(asked, Err(ProductionRefusal::Unknown));
        let late = NOW.plus_seconds(1);
        let asked = sound.admits((&sound.tenant, &profile("ka"), ka), (&title(1), false), late);
        assert_eq!(asked, Err(ProductionRefusal::Expired { until: NOW }));
        let closed = ProductionOrder { state: ProductionState::Closed, ..sound.clone() };
        assert_eq!(ask(&closed, ka, 1), Err(ProductionRefusal::Closed));
        let listed = order(OrderedTitles::Listed { count: 1 });
        assert_eq!(ask(&listed, ka, 1), Err(ProductionRefusal::Title));
        assert_eq!(listed.admits((&listed.tenant, &profile("ka"), ka), (&title(1), true), NOW), Ok(()));
    }

    #[test]
    fn there_are_as_many_places_as_were_ordered() {
        let mut order = order(OrderedTitles::Listed { count: 9 });
        assert_eq!([order.take_place(), order.take_place()], [Ok(()), Ok(())]);
        assert_eq!(order.take_place(), Err(ProductionRefusal::Full { ordered: 2 }));
        assert_eq!(order.count.places, 2);
        assert!(!order.is_complete([KeyPurpose::Signature].into_iter()));
        assert!(order.is_complete([KeyPurpose::KeyAgreement, KeyPurpose::Signature].into_iter()));
    }

    #[test]
    fn a_name_is_plain() {
        for good in ["1", "PO-2026_08.15", &"a".repeat(48)] {
            assert_eq!(ProductionId::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "-a", ".a", "a b", "a/b", "a;b", "ä", &"a".repeat(49)] {
            assert_eq!(ProductionId::parse(bad), Err(ParseProductionIdError), "{bad}");
        }
        for state in ProductionState::ALL {
            assert_eq!(ProductionState::from_name(state.name()), Some(state));
        }
    }
}
