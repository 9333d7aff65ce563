//! Visits of technicians, as JSON.

use serde::{Deserialize, Serialize};

use super::requests::MarkView;

/// Which visits to list.
#[derive(Debug, Clone, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct VisitQueryText {
    /// Only of this tenant.
    pub tenant: Option<String>,
    /// Only of this technician; the route of one's own visits does not hear it.
    pub technician: Option<String>,
    /// Only those of this state: `waiting`, `approved`, `under-way`, `refused`, `ended` or `over`.
    pub state: Option<String>,
    /// Only those after this one, as `next` of the page before said.
    pub after: Option<String>,
    /// At most so many, up to 10,000.
    pub limit: u32,
}

/// What a visit is to be.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VisitPlanText {
    /// The owner of the meters.
    pub tenant: String,
    /// The id of the person who goes.
    pub technician: String,
    /// The system title that is allotted to his hand-held unit.
    pub unit: String,
    /// The meters, by their system titles.
    pub meters: Vec<String>,
    /// The region whose meters belong to the visit too; empty for none.
    pub region: String,
    /// Its first second.
    pub from: String,
    /// Its last second.
    pub until: String,
    /// Why.
    pub reason: String,
}

/// A visit to be opened.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VisitText {
    /// Its name.
    pub id: String,
    /// What it is to be.
    pub plan: VisitPlanText,
}

/// What somebody decides of a visit.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VisitDecisionText {
    /// The digest of what was shown to him: 64 hexadecimal digits.
    pub digest: String,
    /// Why it is refused; absent to approve.
    pub refused_for: Option<String>,
}

/// That a visit is over.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VisitEndText {
    /// Why.
    pub reason: String,
}

/// A certificate that is asked for on a visit.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VisitCertificateText {
    /// The profile, of the maintenance hierarchy.
    pub profile: String,
    /// The certification request (PKCS#10) of the hand-held unit, DER in base64.
    pub request: String,
}

/// Some visits and where the next ones begin.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VisitPage {
    /// The visits.
    pub visits: Vec<VisitView>,
    /// `after` of the next page; absent on the last.
    pub next: Option<String>,
}

/// A visit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VisitView {
    /// Its name.
    pub id: String,
    /// SHA-256 over all that is approved, 64 hexadecimal digits; another one after each change.
    pub digest: String,
    /// `waiting`, `approved`, `under-way`, `refused`, `ended` or `over`.
    pub state: String,
    /// What it is to be.
    pub plan: VisitPlanText,
    /// How many people must approve, beside who opened it.
    pub needed: u8,
    /// Who opened it, or changed it last.
    pub opened: MarkView,
    /// Who approved it as it stands.
    pub approvals: Vec<MarkView>,
    /// Who refused it.
    pub refused: Option<MarkView>,
    /// Why.
    pub refused_for: Option<String>,
    /// Who ended it.
    pub ended: Option<MarkView>,
    /// Why.
    pub ended_for: Option<String>,
    /// The certificates that were asked for on it.
    pub certificates: Vec<VisitCertificateView>,
}

/// A certificate of a visit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VisitCertificateView {
    /// What its key is for.
    pub purpose: String,
    /// The name of its authority.
    pub issuer: String,
    /// Its serial number.
    pub serial: String,
    /// How it stands.
    pub status: String,
    /// Why it is revoked, if it is.
    pub reason: Option<String>,
    /// Its last second.
    pub not_after: String,
}
