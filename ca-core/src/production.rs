//! What operators say of production orders: open, close, cancel, scrap a device. Whose word counts and what is well-formed is
//! decided here; what two can race for, by the ledger inside its transaction.
//!
//! Nothing is issued here: that a request needs an order, and which one, is registration's.

mod error;

use crate::actor::{Actor, Identity};
use crate::audit::{Act, AuditEvent};
use crate::ports::Production;
use crate::profile::CertificateProfile;
use crate::reason::ReasonCode;
use crate::record::{
    Mark, OrderedCertificate, OrderedTitles, ProductionCount, ProductionEnd, ProductionId, ProductionOrder,
    ProductionState, ScrapRecord, Scrapped,
};
use crate::system_title::SystemTitle;
use crate::tenant::TenantId;
use crate::validity::UnixTime;
pub use error::ProductionError;

/// The most devices that one order has.
pub const MAX_ORDERED: u64 = 1_000_000;
/// The most titles that a list has.
pub const MAX_LISTED: usize = 100_000;
/// The most ranges of titles.
pub const MAX_RANGES: usize = 64;
/// The most stations that work on one order.
pub const MAX_STATIONS: usize = 16;
/// The longest text of an order, in octets.
pub const MAX_TEXT: usize = 64;
/// How long an order is open at most, in seconds: two years.
pub const LONGEST: i64 = 2 * 366 * 86_400;

/// Which devices are to be made, as somebody wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WantedTitles {
    /// From first to last, both included; each range within one manufacturer's FLAG id.
    Ranges(Vec<(SystemTitle, SystemTitle)>),
    /// These.
    List(Vec<SystemTitle>),
}

/// An order as somebody wants it opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedOrder {
    /// Its name.
    pub id: ProductionId,
    /// How many devices.
    pub ordered: u64,
    /// The profiles that each device gets a certificate of.
    pub profiles: Vec<CertificateProfile>,
    /// Which devices.
    pub titles: WantedTitles,
    /// Model name.
    pub model: String,
    /// Firmware version.
    pub firmware: String,
    /// Delivery batch.
    pub batch: String,
    /// For whom.
    pub customer: Option<TenantId>,
    /// The registration authorities that work on it.
    pub stations: Vec<String>,
    /// The last second in which it is open.
    pub until: UnixTime,
}

/// Opens, ends and scraps for one operator at one time.
#[derive(Clone, Copy)]
pub struct ProductionDesk<'a> {
    /// Where orders are kept.
    pub production: &'a dyn Production,
    /// Who decides. His tenant is the manufacturer.
    pub actor: &'a Actor,
    /// The present: one sample of the clock.
    pub now: UnixTime,
}

impl core::fmt::Debug for ProductionDesk<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ProductionDesk").field("actor", &self.actor).finish_non_exhaustive()
    }
}

impl ProductionDesk<'_> {
    /// Opens an order.
    ///
    /// # Errors
    /// [`ProductionError`].
    pub fn open(&self, wanted: WantedOrder) -> Result<ProductionOrder, ProductionError> {
        self.check_actor()?;
        wanted.check(self.now)?;
        let certificates = certificates(&wanted.profiles)?;
        let (titles, listed) = titles(wanted.titles)?;
        let names: Vec<&str> = certificates.iter().map(|one| one.profile.as_str()).collect();
        let what = format!("{} devices under {}", wanted.ordered, names.join(", "));
        let until = format!("; until {}", wanted.until);
        let event = self.event(Act::ProductionOpened, &wanted.id, &format!("{what}{until}"));
        let order = ProductionOrder {
            id: wanted.id,
            tenant: self.actor.tenant.clone(),
            ordered: wanted.ordered,
            certificates,
            titles,
            model: wanted.model,
            firmware: wanted.firmware,
            batch: wanted.batch,
            customer: wanted.customer,
            stations: wanted.stations,
            until: wanted.until,
            opened: self.mark(),
            state: ProductionState::Open,
            ended: None,
            count: ProductionCount::default(),
        };
        Ok(self.production.open_production(order, listed, event)??)
    }

    /// Closes an order: nothing more is issued under it.
    ///
    /// # Errors
    /// [`ProductionError`].
    pub fn close(&self, id: &ProductionId) -> Result<ProductionOrder, ProductionError> {
        self.end(id, ProductionState::Closed, String::new())
    }

    /// Cancels an order, for a reason of 1 to 64 octets. What was issued under it stays.
    ///
    /// # Errors
    /// [`ProductionError`].
    pub fn cancel(&self, id: &ProductionId, reason: &str) -> Result<ProductionOrder, ProductionError> {
        if reason.is_empty() {
            return Err(ProductionError::Text { what: "the reason" });
        }
        check_text("the reason", reason)?;
        self.end(id, ProductionState::Cancelled, reason.to_owned())
    }

    fn end(
        &self,
        id: &ProductionId,
        state: ProductionState,
        reason: String,
    ) -> Result<ProductionOrder, ProductionError> {
        self.check_own(id)?;
        let act = match state {
            ProductionState::Cancelled => Act::ProductionCancelled,
            ProductionState::Closed | ProductionState::Open => Act::ProductionClosed,
        };
        let event = self.event(act, id, &reason);
        let end = ProductionEnd { id: id.clone(), state, mark: self.mark(), reason, event };
        Ok(self.production.end_production(end)??)
    }

    /// Scraps a device: what it was given is revoked, and its place is free again.
    ///
    /// # Errors
    /// [`ProductionError`].
    pub fn scrap(
        &self,
        id: &ProductionId,
        title: SystemTitle,
        reason: ReasonCode,
    ) -> Result<Scrapped, ProductionError> {
        self.check_own(id)?;
        // A hold could be lifted, and the place would have been given twice.
        if reason == ReasonCode::CertificateHold {
            return Err(ProductionError::Hold);
        }
        let event = AuditEvent {
            reason: reason.name().to_owned(),
            ..self.event(Act::DeviceScrapped, id, &title.to_string())
        };
        Ok(self.production.scrap_device(ScrapRecord { id: id.clone(), title, reason, event })??)
    }

    fn check_actor(&self) -> Result<(), ProductionError> {
        match &self.actor.identity {
            Identity::Operator { .. } => Ok(()),
            Identity::Process { .. }
            | Identity::Device(_)
            | Identity::RegistrationAuthority(_)
            | Identity::OneTimeToken { .. }
            | Identity::Unauthenticated { .. } => Err(ProductionError::NotEntitled),
        }
    }

    /// Another tenant's order is, to this one, none.
    fn check_own(&self, id: &ProductionId) -> Result<(), ProductionError> {
        self.check_actor()?;
        let order = self.production.production(id)?;
        let own = order.is_some_and(|order| order.tenant == self.actor.tenant);
        if own { Ok(()) } else { Err(crate::record::ProductionConflict::Unknown.into()) }
    }

    fn mark(&self) -> Mark {
        Mark { by: self.actor.to_string(), at: self.now }
    }

    /// `order ID; …`: what every record of an order begins with.
    fn event(&self, act: Act, id: &ProductionId, what: &str) -> AuditEvent {
        let separator = if what.is_empty() { "" } else { "; " };
        AuditEvent {
            time: self.now,
            tenant: self.actor.tenant.clone(),
            actor: self.actor.to_string(),
            act,
            issuer: None,
            serial: None,
            reason: String::new(),
            detail: format!("order {id}{separator}{what}"),
            digest: Vec::new(),
        }
    }
}

impl WantedOrder {
    fn check(&self, now: UnixTime) -> Result<(), ProductionError> {
        if !(1..=MAX_ORDERED).contains(&self.ordered) {
            return Err(ProductionError::Quantity { ordered: self.ordered });
        }
        if self.until <= now || self.until.seconds().saturating_sub(now.seconds()) > LONGEST {
            return Err(ProductionError::Until { until: self.until });
        }
        for (what, text) in
            [("the model", &self.model), ("the firmware", &self.firmware), ("the batch", &self.batch)]
        {
            check_text(what, text)?;
        }
        if self.stations.len() > MAX_STATIONS {
            return Err(ProductionError::Stations);
        }
        for (place, station) in self.stations.iter().enumerate() {
            check_text("a station", station)?;
            if station.is_empty() || self.stations.iter().skip(place + 1).any(|other| other == station) {
                return Err(ProductionError::Stations);
            }
        }
        Ok(())
    }
}

fn check_text(what: &'static str, text: &str) -> Result<(), ProductionError> {
    if text.len() > MAX_TEXT || text.chars().any(char::is_control) {
        return Err(ProductionError::Text { what });
    }
    Ok(())
}

/// One certificate for each purpose: its profile says which.
fn certificates(profiles: &[CertificateProfile]) -> Result<Vec<OrderedCertificate>, ProductionError> {
    let mut certificates: Vec<OrderedCertificate> = Vec::with_capacity(profiles.len());
    for profile in profiles {
        let (purpose, profile) = (profile.purpose(), profile.id().clone());
        if certificates.iter().any(|one| one.purpose == purpose) {
            return Err(ProductionError::PurposeTwice { profile });
        }
        certificates.push(OrderedCertificate { purpose, profile });
    }
    if certificates.is_empty() { Err(ProductionError::NoProfile) } else { Ok(certificates) }
}

fn titles(wanted: WantedTitles) -> Result<(OrderedTitles, Vec<SystemTitle>), ProductionError> {
    match wanted {
        WantedTitles::Ranges(ranges) => {
            // Green Book 4.3.4: the first three octets name the manufacturer.
            let sound = |(first, last): &(SystemTitle, SystemTitle)| {
                first <= last && first.octets().first_chunk::<3>() == last.octets().first_chunk::<3>()
            };
            if ranges.is_empty() || ranges.len() > MAX_RANGES || !ranges.iter().all(sound) {
                return Err(ProductionError::Ranges);
            }
            Ok((OrderedTitles::Ranges(ranges), Vec::new()))
        }
        WantedTitles::List(mut list) => {
            list.sort_unstable();
            list.dedup();
            if list.is_empty() || list.len() > MAX_LISTED {
                return Err(ProductionError::List);
            }
            let count = u64::try_from(list.len()).unwrap_or(u64::MAX);
            Ok((OrderedTitles::Listed { count }, list))
        }
    }
}
