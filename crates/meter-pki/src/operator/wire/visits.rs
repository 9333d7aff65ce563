//! Visits of technicians, as JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::requests::MarkView;
use super::words::{
    Base64Text, PersonId, ProfileName, PurposeWord, ReasonText, ReasonWord, Serial, Sha256, SystemTitle,
    TenantId, TimeText, UnitTitle, VisitName, VisitWord, WhyText,
};

/// Which visits to list.
#[derive(Debug, Clone, Serialize, Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VisitQueryText {
    /// Only of this tenant.
    #[schema(value_type = Option<TenantId>)]
    pub tenant: Option<String>,
    /// Only of this technician.
    #[schema(value_type = Option<PersonId>)]
    pub technician: Option<String>,
    /// Only those of this state: `waiting`, `approved`, `under-way`, `refused`, `ended` or `over`.
    #[schema(value_type = Option<VisitWord>)]
    pub state: Option<String>,
    /// Only those after this one, as `next` of the page before said.
    #[schema(value_type = Option<VisitName>)]
    pub after: Option<String>,
    /// At most so many, up to 10,000.
    pub limit: u32,
}

/// Which visits of one's own to list.
#[derive(Debug, Clone, Serialize, Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnVisitQueryText {
    /// Only of this tenant.
    #[schema(value_type = Option<TenantId>)]
    pub tenant: Option<String>,
    /// Only those of this state: `waiting`, `approved`, `under-way`, `refused`, `ended` or `over`.
    #[schema(value_type = Option<VisitWord>)]
    pub state: Option<String>,
    /// Only those after this one, as `next` of the page before said.
    #[schema(value_type = Option<VisitName>)]
    pub after: Option<String>,
    /// At most so many, up to 10,000.
    pub limit: u32,
}

/// What a visit is to be.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VisitPlanText {
    /// The owner of the meters.
    #[schema(value_type = TenantId)]
    pub tenant: String,
    /// The id of the person who goes.
    #[schema(value_type = PersonId)]
    pub technician: String,
    /// The system title that is allotted to his hand-held unit.
    #[schema(value_type = UnitTitle)]
    pub unit: String,
    /// The meters, by their system titles.
    #[schema(value_type = Vec<SystemTitle>)]
    pub meters: Vec<String>,
    /// The region whose meters belong to the visit too; empty for none.
    pub region: String,
    /// Its first second.
    #[schema(value_type = TimeText)]
    pub from: String,
    /// Its last second.
    #[schema(value_type = TimeText)]
    pub until: String,
    /// Why.
    #[schema(value_type = WhyText)]
    pub reason: String,
}

/// A visit to be opened.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VisitText {
    /// Its name.
    #[schema(value_type = VisitName)]
    pub id: String,
    /// What it is to be.
    pub plan: VisitPlanText,
}

/// What somebody decides of a visit.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VisitDecisionText {
    /// The digest of what was shown to him: 64 hexadecimal digits.
    #[schema(value_type = Sha256)]
    pub digest: String,
    /// Why it is refused; absent to approve.
    #[schema(value_type = Option<WhyText>)]
    pub refused_for: Option<String>,
}

/// That a visit is over.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VisitEndText {
    /// Why.
    #[schema(value_type = WhyText)]
    pub reason: String,
}

/// A certificate that is asked for on a visit.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VisitCertificateText {
    /// The profile, of the maintenance hierarchy.
    #[schema(value_type = ProfileName)]
    pub profile: String,
    /// The certification request (PKCS#10) of the hand-held unit, DER in base64.
    #[schema(value_type = Base64Text)]
    pub request: String,
}

/// Some visits and where the next ones begin.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct VisitPage {
    /// The visits.
    pub visits: Vec<VisitView>,
    /// `after` of the next page; absent on the last.
    pub next: Option<String>,
}

/// A visit.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct VisitView {
    /// Its name.
    #[schema(value_type = VisitName)]
    pub id: String,
    /// SHA-256 over all that is approved, 64 hexadecimal digits; another one after each change.
    #[schema(value_type = Sha256)]
    pub digest: String,
    /// `waiting`, `approved`, `under-way`, `refused`, `ended` or `over`.
    #[schema(value_type = VisitWord)]
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
    #[schema(value_type = Option<WhyText>)]
    pub refused_for: Option<String>,
    /// Who ended it.
    pub ended: Option<MarkView>,
    /// Why.
    pub ended_for: Option<String>,
    /// The certificates that were asked for on it.
    pub certificates: Vec<VisitCertificateView>,
}

/// A certificate of a visit.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct VisitCertificateView {
    /// What its key is for.
    #[schema(value_type = PurposeWord)]
    pub purpose: String,
    /// The name of its authority.
    pub issuer: String,
    /// Its serial number.
    #[schema(value_type = Serial)]
    pub serial: String,
    /// How it stands.
    pub status: String,
    /// Why it is revoked, if it is.
    #[schema(value_type = Option<ReasonWord>)]
    pub reason: Option<String>,
    /// Its last second.
    pub not_after: String,
}

/// A bundle that was made.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BundleView {
    /// The visit.
    #[schema(value_type = VisitName)]
    pub visit: String,
    /// The last second of it.
    #[schema(value_type = TimeText)]
    pub expires_at: String,
    /// CMS `SignedData` (RFC 5652 §5) over [`BundleContent`] as JSON, DER in base64.
    #[schema(value_type = Base64Text)]
    pub bundle: String,
}

/// What a technician takes along.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BundleContent {
    /// `meter-pki-visit-bundle-1`.
    pub form: String,
    /// When it was made.
    pub made_at: String,
    /// Its last second: that of the visit, or the nextUpdate of a CRL in it if that is sooner.
    pub expires_at: String,
    /// The visit, with its meters.
    pub visit: VisitView,
    /// The owner's authorities and their roots, DER in base64.
    pub certificates: Vec<String>,
    /// The CRLs that speak of the meters.
    pub crls: Vec<BundleCrl>,
    /// Units whose certificates are revoked and would be valid still.
    pub revoked_units: Vec<RevokedUnit>,
}

/// A CRL in a bundle.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BundleCrl {
    /// Its number.
    pub number: u64,
    /// When the next one comes at the latest.
    pub next_update: String,
    /// DER in base64.
    pub crl: String,
}

/// A certificate of a unit that is revoked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RevokedUnit {
    /// The system title of the unit.
    pub unit: String,
    /// The serial number.
    pub serial: String,
    /// Why.
    pub reason: String,
    /// Until when it would have been valid.
    pub until: String,
}

/// What a unit brought back.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptsText {
    /// CMS `SignedData` (RFC 5652 §5) of the unit over its log, DER in base64.
    #[schema(value_type = Base64Text)]
    pub log: String,
}

/// What it is worth.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ReceiptsView {
    /// The visit.
    #[schema(value_type = VisitName)]
    pub visit: String,
    /// The serial number of the certificate that signed it.
    #[schema(value_type = Serial)]
    pub signed_by: String,
    /// How many entries could be read.
    pub entries: usize,
    /// How many different meters they name.
    pub meters: usize,
    /// What is wrong.
    pub faults: Vec<ReceiptFaultView>,
}

/// Something that is wrong with a log.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ReceiptFaultView {
    /// In which line, counted from 1.
    pub line: usize,
    /// The stable reason code.
    #[schema(value_type = ReasonText)]
    pub code: String,
    /// In words.
    pub message: String,
}
