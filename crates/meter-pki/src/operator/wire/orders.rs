//! Selections of certificates, and orders to change the revocation of many, as JSON.

use serde::{Deserialize, Serialize};

use super::CertificateView;
use super::requests::MarkView;

/// Which certificates are meant. What is named is meant if it fits to everything else; where nothing is named, whatever fits.
#[derive(Debug, Clone, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct SelectionText {
    /// Serial numbers,
    pub serials: Vec<String>,
    /// system titles,
    pub system_titles: Vec<String>,
    /// and keys: SHA-256 of the SubjectPublicKeyInfo, 64 hexadecimal digits.
    pub keys: Vec<String>,
    /// Only of this tenant.
    pub tenant: Option<String>,
    /// Only of the authority with this name.
    pub issuer: Option<String>,
    /// Only of this profile; with `*` at its end, of all whose names begin so.
    pub profile: Option<String>,
    /// Only of this hierarchy: `factory`, `operational`, `maintenance` or `infrastructure`.
    pub hierarchy: Option<String>,
    /// Only of this purpose: `signature`, `key-agreement` or `tls`.
    pub purpose: Option<String>,
    /// Only of devices whose system titles begin with these three letters, the FLAG id.
    pub manufacturer: Option<String>,
    /// Only those whose subject is of this organization.
    pub organization: Option<String>,
    /// Only those recorded at this time or later.
    pub issued_since: Option<String>,
    /// Only those recorded before this time.
    pub issued_before: Option<String>,
    /// Only those that end before this time.
    pub expires_before: Option<String>,
    /// Only those of this status.
    pub status: Option<String>,
}

/// What is to become of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanText {
    /// Which certificates.
    pub selection: SelectionText,
    /// Why they are revoked, as RFC 5280 names it; absent where they are released from hold.
    pub reason: Option<String>,
    /// Since when the keys are suspected.
    pub invalidity_date: Option<String>,
    /// How many of them to show.
    pub show: u32,
}

/// What it would come to.
#[derive(Debug, Clone, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TallyView {
    /// The profile.
    pub profile: String,
    /// The status.
    pub status: String,
    /// How many.
    pub count: u64,
}

/// An order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OrderView {
    /// SHA-256 over the change, its dates, the selection and every certificate, 64 hexadecimal digits.
    pub digest: String,
    /// `planned`, `waiting`, `running`, `done`, `refused` or `expired`.
    pub state: String,
    /// `revoke` or `release`.
    pub change: String,
    /// Why they are revoked.
    pub reason: Option<String>,
    /// Since when the keys are suspected.
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
    pub expires_at: String,
    /// Who approved it.
    pub approvals: Vec<MarkView>,
    /// Who refused or withdrew it.
    pub refused: Option<MarkView>,
    /// Why.
    pub refused_for: Option<String>,
    /// How many certificates were changed.
    pub changed: u64,
    /// How many had changed otherwise before their turn.
    pub skipped: u64,
    /// When the last one was done.
    pub finished_at: Option<String>,
}

/// How many certificates of one profile.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProfileCount {
    /// The profile.
    pub profile: String,
    /// How many.
    pub count: u64,
}

/// Which orders to list.
#[derive(Debug, Clone, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct OrderQueryText {
    /// Only those of this state.
    pub state: Option<String>,
    /// Only those after this digest.
    pub after: Option<String>,
    /// At most so many, up to 10,000.
    pub limit: u32,
}

/// Some orders and where the next ones begin.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OrderPage {
    /// The orders.
    pub orders: Vec<OrderView>,
    /// `after` of the next page; absent on the last.
    pub next: Option<String>,
}

/// Which part of the list of an order.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct OrderPartQuery {
    /// From 0.
    pub part: u32,
}

/// A part of the list of an order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OrderPartView {
    /// Its certificates as they stand now.
    pub certificates: Vec<CertificateView>,
    /// The next part; absent on the last.
    pub next: Option<u32>,
}

/// What an operator has to say of an order.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderActText {
    /// `request`, `approve` or `refuse`.
    pub act: String,
    /// Why it is refused.
    pub reason: Option<String>,
}
