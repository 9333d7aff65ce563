//! Selections of certificates, and orders to change the revocation of many, as JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::CertificateView;
use super::object::object;
use super::requests::MarkView;
use super::words::{
    AuthorityName, ChangeWord, FlagId, HierarchyWord, OrderActWord, OrderWord, ProfileName, PurposeWord,
    ReasonWord, Serial, Sha256, StatusWord, SystemTitle, TenantId, TimeText, WhyText,
};

/// Which certificates are meant. What is named is meant if it fits to everything else; where nothing is named, whatever fits.
#[derive(Debug, Clone, Serialize, Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SelectionText {
    /// Serial numbers,
    #[schema(value_type = Vec<Serial>)]
    pub serials: Vec<String>,
    /// system titles,
    #[schema(value_type = Vec<SystemTitle>)]
    pub system_titles: Vec<String>,
    /// and keys: SHA-256 of the SubjectPublicKeyInfo, 64 hexadecimal digits.
    #[schema(value_type = Vec<Sha256>)]
    pub keys: Vec<String>,
    /// Only of this tenant.
    #[schema(value_type = Option<TenantId>)]
    pub tenant: Option<String>,
    /// Only of the authority with this name.
    #[schema(value_type = Option<AuthorityName>)]
    pub issuer: Option<String>,
    /// Only of this profile; with `*` at its end, of all whose names begin so.
    pub profile: Option<String>,
    /// Only of this hierarchy: `factory`, `operational`, `maintenance` or `infrastructure`.
    #[schema(value_type = Option<HierarchyWord>)]
    pub hierarchy: Option<String>,
    /// Only of this purpose: `signature`, `key-agreement` or `tls`.
    #[schema(value_type = Option<PurposeWord>)]
    pub purpose: Option<String>,
    /// Only of devices whose system titles begin with these three letters, the FLAG id.
    #[schema(value_type = Option<FlagId>)]
    pub manufacturer: Option<String>,
    /// Only those whose subject is of this organization.
    pub organization: Option<String>,
    /// Only those recorded at this time or later.
    #[schema(value_type = Option<TimeText>)]
    pub issued_since: Option<String>,
    /// Only those recorded before this time.
    #[schema(value_type = Option<TimeText>)]
    pub issued_before: Option<String>,
    /// Only those that end before this time.
    #[schema(value_type = Option<TimeText>)]
    pub expires_before: Option<String>,
    /// Only those of this status.
    #[schema(value_type = Option<StatusWord>)]
    pub status: Option<String>,
}

/// What is to become of them.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanText {
    /// Which certificates.
    #[serde(deserialize_with = "object")]
    pub selection: SelectionText,
    /// Why they are revoked, as RFC 5280 names it; absent where they are released from hold.
    #[schema(value_type = Option<ReasonWord>)]
    pub reason: Option<String>,
    /// Since when the keys are suspected.
    #[schema(value_type = Option<TimeText>)]
    pub invalidity_date: Option<String>,
    /// How many of them to show.
    pub show: u32,
}

/// What it would come to.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PlanView {
    /// The order that is on record; absent if nothing would change.
    pub order: Option<OrderView>,
    /// How many would change, by profile and status.
    pub changing: Vec<TallyView>,
    /// How many are meant and would not: revoked before, expired, or not issued.
    pub passed_over: Vec<TallyView>,
    /// The first of those that would change.
    pub first: Vec<CertificateView>,
    /// Serial numbers and system titles that were named and that nobody here knows.
    pub unknown: Vec<String>,
}

/// How many certificates of one profile and status.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TallyView {
    /// The profile.
    #[schema(value_type = ProfileName)]
    pub profile: String,
    /// The status.
    pub status: String,
    /// How many.
    pub count: u64,
}

/// An order.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OrderView {
    /// SHA-256 over the change, its dates, the selection and every certificate, 64 hexadecimal digits.
    #[schema(value_type = Sha256)]
    pub digest: String,
    /// `planned`, `waiting`, `running`, `done`, `refused` or `expired`.
    #[schema(value_type = OrderWord)]
    pub state: String,
    /// `revoke` or `release`.
    #[schema(value_type = ChangeWord)]
    pub change: String,
    /// Why they are revoked.
    #[schema(value_type = Option<ReasonWord>)]
    pub reason: Option<String>,
    /// Since when the keys are suspected.
    #[schema(value_type = Option<TimeText>)]
    pub invalidity_date: Option<String>,
    /// The selection in words.
    pub selection: String,
    /// How many certificates.
    pub count: u64,
    /// How many of which profile.
    pub profiles: Vec<ProfileCount>,
    /// How many operators must approve beside the one who asks.
    pub needed: u8,
    /// Who had it planned.
    pub planned: MarkView,
    /// Who asked for it.
    pub requested: Option<MarkView>,
    /// Until when it can be asked for and approved.
    #[schema(value_type = TimeText)]
    pub expires_at: String,
    /// Who approved it.
    pub approvals: Vec<MarkView>,
    /// Who refused or withdrew it.
    pub refused: Option<MarkView>,
    /// Why.
    #[schema(value_type = Option<WhyText>)]
    pub refused_for: Option<String>,
    /// How many certificates were changed.
    pub changed: u64,
    /// How many had changed otherwise before their turn.
    pub skipped: u64,
    /// When the last one was done.
    #[schema(value_type = Option<TimeText>)]
    pub finished_at: Option<String>,
}

/// How many certificates of one profile.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProfileCount {
    /// The profile.
    #[schema(value_type = ProfileName)]
    pub profile: String,
    /// How many.
    pub count: u64,
}

/// Which orders to list.
#[derive(Debug, Clone, Serialize, Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderQueryText {
    /// Only those of this state.
    #[schema(value_type = Option<OrderWord>)]
    pub state: Option<String>,
    /// Only those after this digest.
    #[schema(value_type = Option<Sha256>)]
    pub after: Option<String>,
    /// At most so many, up to 10,000.
    pub limit: u32,
}

/// Some orders and where the next ones begin.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OrderPage {
    /// The orders.
    pub orders: Vec<OrderView>,
    /// `after` of the next page; absent on the last.
    pub next: Option<String>,
}

/// Which part of the list of an order.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderPartQuery {
    /// From 0.
    pub part: u32,
}

/// A part of the list of an order.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OrderPartView {
    /// Its certificates as they stand now.
    pub certificates: Vec<CertificateView>,
    /// The next part; absent on the last.
    pub next: Option<u32>,
}

/// What an operator has to say of an order.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderActText {
    /// `request`, `approve` or `refuse`.
    #[schema(value_type = OrderActWord)]
    pub act: String,
    /// Why it is refused.
    #[schema(value_type = Option<WhyText>)]
    pub reason: Option<String>,
}
