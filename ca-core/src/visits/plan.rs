//! What a visit is to be: the part that people approve, its one text, and its digest.

use core::fmt;

use sha2::{Digest, Sha256};

use super::change::VisitConflict;
use crate::people::PersonId;
use crate::record::VisitId;
use crate::system_title::SystemTitle;
use crate::tenant::TenantId;
use crate::validity::UnixTime;

/// The most meters that one visit names singly.
pub const MAX_METERS: usize = 256;
/// The longest reason, in octets.
pub const MAX_REASON: usize = 128;
/// The longest name of a region, in octets.
const MAX_REGION: usize = 64;
/// How long a visit is at least, in seconds.
pub const SHORTEST: i64 = 900;
/// How far from now a visit ends at most, in seconds: 31 days.
pub const LONGEST: i64 = 31 * 86_400;

/// What a visit is to be. Whoever approves it approves this, octet for octet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisitPlan {
    /// Who goes.
    pub technician: PersonId,
    /// The system title that is allotted to his hand-held unit.
    pub unit: SystemTitle,
    /// The meters, in ascending order; none where the region says it all.
    pub meters: Vec<SystemTitle>,
    /// The region whose meters belong to the visit too; empty for none.
    pub region: String,
    /// The first second of it.
    pub from: UnixTime,
    /// The last second of it.
    pub until: UnixTime,
    /// Why.
    pub reason: String,
    /// How many people must approve, beside who opens it.
    pub needed: u8,
}

impl VisitPlan {
    /// Returns the same plan with its meters in order, each once.
    #[must_use]
    pub fn in_order(mut self) -> Self {
        self.meters.sort_unstable();
        self.meters.dedup();
        self
    }

    /// Checks what can be checked without the ledger.
    ///
    /// # Errors
    /// [`VisitConflict`].
    pub fn check(&self, now: UnixTime) -> Result<(), VisitConflict> {
        let lasts = self.until.seconds().saturating_sub(self.from.seconds());
        let ahead = self.until.seconds().saturating_sub(now.seconds());
        if lasts < SHORTEST || !(SHORTEST..=LONGEST).contains(&ahead) {
            return Err(VisitConflict::Window { from: self.from, until: self.until });
        }
        let named = !(self.meters.is_empty() && self.region.is_empty());
        let sound = self.meters.is_sorted_by(|one, next| one < next) && !self.meters.contains(&self.unit);
        if !named || !sound || self.meters.len() > MAX_METERS {
            return Err(VisitConflict::Meters);
        }
        let plain = |text: &str, most: usize| text.len() <= most && !text.chars().any(char::is_control);
        if !plain(&self.region, MAX_REGION) || self.region.contains(';') {
            return Err(VisitConflict::Region);
        }
        if self.reason.is_empty() || !plain(&self.reason, MAX_REASON) {
            return Err(VisitConflict::Reason);
        }
        Ok(())
    }

    /// Returns the digest that approvals are for: SHA-256 of tenant, the octet 00, and the text of the plan.
    #[must_use]
    pub fn digest(&self, id: &VisitId, tenant: &TenantId) -> [u8; 32] {
        let text = self.text(id);
        Sha256::new().chain_update(tenant.as_str()).chain_update([0]).chain_update(text).finalize().into()
    }

    /// Returns its one text, as the audit record has it.
    #[must_use]
    pub fn text(&self, id: &VisitId) -> String {
        format!("visit {id}{self}")
    }

    /// Reads what [`text`](Self::text) wrote behind the name.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (fields, reason) = text.split_once("; for ")?;
        let mut fields = fields.split("; ").peekable();
        let mut field = |name: &str| {
            let value = fields.peek()?.strip_prefix(name)?;
            fields.next();
            Some(value)
        };
        let technician = PersonId::parse(field("technician ")?).ok()?;
        let unit = SystemTitle::parse(field("unit ")?).ok()?;
        let from = seconds(field("from ")?)?;
        let until = seconds(field("until ")?)?;
        let needed = field("approvals ")?.parse().ok()?;
        let region = field("region ").unwrap_or_default().to_owned();
        let meters = field("meters ").unwrap_or_default().split(' ').filter(|one| !one.is_empty());
        let meters = meters.map(|one| SystemTitle::parse(one).ok()).collect::<Option<_>>()?;
        let rest = fields.next().is_none();
        let plan = Self { technician, unit, meters, region, from, until, reason: reason.to_owned(), needed };
        rest.then_some(plan)
    }
}

impl fmt::Display for VisitPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { technician, unit, meters, region, from, until, reason, needed } = self;
        write!(f, "; technician {technician}; unit {unit}")?;
        write!(f, "; from {from} ({}); until {until} ({})", from.seconds(), until.seconds())?;
        write!(f, "; approvals {needed}")?;
        if !region.is_empty() {
            write!(f, "; region {region}")?;
        }
        if !meters.is_empty() {
            f.write_str("; meters")?;
            meters.iter().try_for_each(|meter| write!(f, " {meter}"))?;
        }
        write!(f, "; for {reason}")
    }
}

/// Reads the seconds behind a time, in parentheses.
fn seconds(text: &str) -> Option<UnixTime> {
    let (_, seconds) = text.strip_suffix(')')?.rsplit_once(" (")?;
    Some(UnixTime::from_seconds(seconds.parse().ok()?))
}
