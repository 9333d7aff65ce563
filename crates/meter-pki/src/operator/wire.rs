//! What goes over the operator's socket, as JSON: names in snake case, times in RFC 3339, octets in hexadecimal or base64.
//!
//! Texts on the way in; what they mean is checked in `acts`.

pub mod audit;
pub mod bundles;
pub mod campaigns;
pub mod ceremonies;
pub mod certificate_history;
pub mod certificate_list;
pub mod crls;
pub mod deliveries;
pub mod doctor;
pub mod emergencies;
pub mod fleet;
pub mod migration;
pub(crate) mod object;
pub mod ocsp;
pub mod orders;
pub mod people;
pub mod problem;
pub mod production;
pub mod profiles;
pub mod reconciliation;
pub mod requests;
pub mod shut_out;
pub mod standing;
pub mod statistics;
pub mod store;
pub mod visits;
pub mod words;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use certificate_list::{CertificatePage, CertificateQueryText};
pub use store::{NodePage, NodeView, StoreView};
use words::{
    AbsolutePath, AuthorityName, Base64Text, CertificateStatusWord, CurveWord, GridPlace, HierarchyWord,
    KeyName, MaybeGridPlace, ProfileName, PurposeWord, ReasonWord, ReleaseWord, RootPartWord, Serial, Sha256,
    ShortText, SystemTitle, TenantId, TimeText,
};

/// A certification authority.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AuthorityView {
    /// Its name in the configuration.
    pub name: String,
    /// Its owner.
    #[schema(value_type = TenantId)]
    pub tenant: String,
    /// Its distinguished name.
    pub subject: String,
    /// Its key's name, 40 hexadecimal digits.
    #[schema(value_type = KeyName)]
    pub key: String,
    /// `P-256` or `P-384`.
    #[schema(value_type = CurveWord)]
    pub curve: String,
    /// The end of its certificate.
    #[schema(value_type = TimeText)]
    pub not_after: String,
    /// The end of its issuing window.
    #[schema(value_type = TimeText)]
    pub issues_until: String,
    /// The profiles it issues under.
    #[schema(value_type = Vec<ProfileName>)]
    pub profiles: Vec<String>,
    /// SHA-256 of its certificate.
    #[schema(value_type = Sha256)]
    pub sha256: String,
    /// Where its CRL is.
    pub crl_uri: Option<String>,
    /// Where its OCSP responder is.
    pub ocsp_uri: Option<String>,
}

/// A certificate.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CertificateView {
    /// The name of its authority.
    pub issuer: String,
    /// Its serial number.
    #[schema(value_type = Serial)]
    pub serial: String,
    /// Its subject.
    pub subject: String,
    /// Its owner.
    #[schema(value_type = TenantId)]
    pub tenant: String,
    /// Its profile.
    #[schema(value_type = ProfileName)]
    pub profile: String,
    /// That profile's version.
    pub profile_version: u32,
    /// Whether another program issued it under the same key, and it was taken over.
    #[serde(default)]
    pub taken_over: bool,
    /// What its key is for.
    #[schema(value_type = PurposeWord)]
    pub purpose: String,
    /// The hierarchy of its slot, for devices.
    #[schema(value_type = Option<HierarchyWord>)]
    pub hierarchy: Option<String>,
    /// The shard of CRLs that lists it when it is revoked.
    #[schema(value_type = Option<GridPlace>)]
    pub shard: Option<String>,
    /// Whether no CRL lists it, since it is short-lived.
    #[serde(default)]
    pub on_no_crl: bool,
    /// Its first second.
    #[schema(value_type = TimeText)]
    pub not_before: String,
    /// Its last second.
    #[schema(value_type = TimeText)]
    pub not_after: String,
    /// When it was recorded.
    #[schema(value_type = TimeText)]
    pub recorded_at: String,
    /// `good`, `expired`, `on-hold`, `revoked`, `pending`, `aborted` or `uncertain`.
    #[schema(value_type = CertificateStatusWord)]
    pub status: String,
    /// When it was revoked.
    #[schema(value_type = Option<TimeText>)]
    pub revoked_at: Option<String>,
    /// Why.
    #[schema(value_type = Option<ReasonWord>)]
    pub reason: Option<String>,
    /// What happened and what will, where the status needs words; in the view of a single one only.
    pub explanation: Option<String>,
    /// What to type next, if anything is to be done; in the view of a single one only.
    pub next: Option<String>,
    /// The certificate as PEM; in the view of a single one only.
    pub pem: Option<String>,
}

/// A certificate asked for by an operator.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CertificationText {
    /// The name of the authority.
    #[schema(value_type = AuthorityName)]
    pub issuer: String,
    /// The profile, which must be offered to operators.
    #[schema(value_type = ProfileName)]
    pub profile: String,
    /// The certification request (PKCS#10), DER in base64.
    #[schema(value_type = Base64Text)]
    pub request: String,
}

/// A release from hold asked for.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldReleaseText {
    /// The name of the authority; may be left out when one serial number leads to one certificate.
    #[schema(value_type = Option<AuthorityName>)]
    pub issuer: Option<String>,
    /// The serial number.
    #[schema(value_type = Serial)]
    pub serial: String,
}

/// A release on record.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct HoldReleaseView {
    /// The name of the authority.
    #[schema(value_type = AuthorityName)]
    pub issuer: String,
    /// The serial number.
    #[schema(value_type = Serial)]
    pub serial: String,
    /// Since when it was on hold.
    #[schema(value_type = TimeText)]
    pub held_since: String,
    /// Until when.
    #[schema(value_type = TimeText)]
    pub released_at: String,
    /// The number of its audit record.
    pub sequence: u64,
    /// When the next CRL is due at the latest, on which it no longer stands; absent where no CRL lists it.
    #[schema(value_type = Option<TimeText>)]
    pub next_crl_by: Option<String>,
}

/// A revocation asked for: final, unless the reason is `certificateHold`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevocationText {
    /// The name of the authority; may be left out when one serial number leads to one certificate.
    #[schema(value_type = Option<AuthorityName>)]
    pub issuer: Option<String>,
    /// The serial number.
    #[schema(value_type = Serial)]
    pub serial: String,
    /// The reason as RFC 5280 names it.
    #[schema(value_type = ReasonWord)]
    pub reason: String,
    /// Since when the key is suspected.
    #[schema(value_type = Option<TimeText>)]
    pub invalidity_date: Option<String>,
}

/// A revocation on record.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RevocationView {
    /// The name of the authority.
    #[schema(value_type = AuthorityName)]
    pub issuer: String,
    /// The serial number.
    #[schema(value_type = Serial)]
    pub serial: String,
    /// When.
    #[schema(value_type = TimeText)]
    pub revoked_at: String,
    /// Why.
    #[schema(value_type = ReasonWord)]
    pub reason: String,
    /// The number of its audit record.
    pub sequence: u64,
    /// When the next CRL is due at the latest; absent where no CRL lists it.
    #[schema(value_type = Option<TimeText>)]
    pub next_crl_by: Option<String>,
}

/// Devices to be put on a list.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportRequest {
    /// The owner.
    #[schema(value_type = TenantId)]
    pub tenant: String,
    /// The devices.
    pub devices: Vec<ImportedDevice>,
    /// The owner is their maker, and has them still.
    #[serde(default)]
    pub made: bool,
}

/// A device as its owner expects it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportedDevice {
    /// Its system title.
    #[schema(value_type = SystemTitle)]
    pub system_title: String,
    /// The manufacturer that must vouch for it; any trusted one unless given.
    #[serde(default)]
    #[schema(value_type = Option<TenantId>)]
    pub manufacturer: Option<String>,
    /// The manufacturer's own number.
    #[serde(default)]
    #[schema(value_type = ShortText)]
    pub serial_number: String,
    /// Model.
    #[serde(default)]
    #[schema(value_type = ShortText)]
    pub model: String,
    /// Firmware.
    #[serde(default)]
    #[schema(value_type = ShortText)]
    pub firmware: String,
    /// Delivery batch.
    #[serde(default)]
    #[schema(value_type = ShortText)]
    pub batch: String,
    /// The region of the grid that it is in; it names a shard of CRLs.
    #[serde(default)]
    #[schema(value_type = MaybeGridPlace)]
    pub region: String,
    /// The data concentrator that it is behind; it names a shard of CRLs.
    #[serde(default)]
    #[schema(value_type = MaybeGridPlace)]
    pub concentrator: String,
}

/// What became of an import.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ImportView {
    /// New on the list.
    pub added: u64,
    /// On the list before.
    pub unchanged: u64,
    /// Not taken: on another list, or in service with other content.
    pub refused: Vec<String>,
}

/// A token asked for.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenText {
    /// The device.
    #[schema(value_type = SystemTitle)]
    pub system_title: String,
    /// The profile it opens.
    #[schema(value_type = ProfileName)]
    pub profile: String,
    /// How long it is good.
    pub valid_minutes: u32,
}

/// A token, shown once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct TokenView {
    /// The user name of HTTP Basic.
    pub user: String,
    /// The password of HTTP Basic: the only copy of the secret.
    pub secret: String,
    /// Until when.
    #[schema(value_type = TimeText)]
    pub expires_at: String,
}

impl std::fmt::Debug for TokenView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenView").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Which CRLs to make: all of an authority unless a shard is named, complete ones with their deltas unless deltas alone.
#[derive(Debug, Clone, Serialize, Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CrlChoice {
    /// Only of this shard.
    #[schema(value_type = Option<GridPlace>)]
    pub shard: Option<String>,
    /// Only deltas to the complete CRLs that are published.
    #[serde(default)]
    pub delta: bool,
}

/// A CRL on record.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CrlView {
    /// The name of the authority.
    #[schema(value_type = AuthorityName)]
    pub authority: String,
    /// The shard that it speaks of; absent when it speaks of all.
    #[schema(value_type = Option<GridPlace>)]
    pub shard: Option<String>,
    /// The number of the complete CRL that it is a delta to; absent for a complete one.
    pub base: Option<u64>,
    /// Its CRL number.
    pub number: u64,
    /// thisUpdate.
    #[schema(value_type = TimeText)]
    pub this_update: String,
    /// nextUpdate.
    #[schema(value_type = TimeText)]
    pub next_update: String,
    /// How many entries.
    pub entries: u64,
    /// Its length in octets.
    pub octets: u64,
    /// Where it is.
    pub uri: Option<String>,
}

/// CRLs that were made and published.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PublishedCrlsView {
    /// The complete one of all, or the first that was asked for.
    #[serde(flatten)]
    pub first: CrlView,
    /// The others.
    pub further: Vec<CrlView>,
}

/// A CRL that was signed elsewhere.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CrlText {
    /// Its DER octets, in base64.
    #[schema(value_type = Base64Text)]
    pub der: String,
}

/// A CRL that was taken in and published.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ImportedCrlView {
    /// Whose it is.
    pub issuer: String,
    /// Its CRL number.
    pub number: u64,
    /// nextUpdate.
    #[schema(value_type = TimeText)]
    pub next_update: String,
}

/// Objects of a ceremony, to be kept until their dates.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleasesText {
    /// All of them are taken in, or none.
    pub objects: Vec<ReleaseText>,
}

/// One object.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseText {
    /// Its DER octets, in base64.
    #[schema(value_type = Base64Text)]
    pub der: String,
    /// Its date, RFC 3339; thisUpdate or notBefore unless given.
    #[schema(value_type = Option<TimeText>)]
    pub release: Option<String>,
    /// What the list of its series says of it.
    pub listed: Option<ListedText>,
}

/// A file in the list of a series.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ListedText {
    /// Its name.
    pub file: String,
    /// Its SHA-256, in hexadecimal.
    #[schema(value_type = Sha256)]
    pub sha256: String,
}

/// What is kept and what comes next.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ReleasesView {
    /// How many of the objects of this request were not kept before.
    pub new: usize,
    /// Everything that is kept, in the order of the dates.
    pub releases: Vec<ReleaseView>,
    /// The ends of the roots' CRLs and certificates.
    pub ends: Vec<RootEndView>,
}

/// One object that is kept.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ReleaseView {
    /// Its date.
    #[schema(value_type = TimeText)]
    pub release: String,
    /// What it is.
    pub what: String,
    /// Its SHA-256.
    #[schema(value_type = Sha256)]
    pub sha256: String,
    /// `out`, `next`, `later`, or `overtaken` by another that was signed after it.
    #[schema(value_type = ReleaseWord)]
    pub state: String,
}

/// When something of a root ends.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RootEndView {
    /// The root's name.
    pub root: String,
    /// `crl` for its last CRL, out or kept, or `certificate`.
    #[schema(value_type = RootPartWord)]
    pub what: String,
    /// When it ends.
    #[schema(value_type = TimeText)]
    pub end: String,
    /// Whole days until then.
    pub days: i64,
    /// One sentence.
    pub sentence: String,
}

/// Which audit records.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditQuery {
    /// Only those after this number.
    pub after: u64,
    /// At most so many, up to 10,000.
    pub limit: u32,
}

/// Some audit records.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AuditPage {
    /// The DER octets of each, in base64.
    #[schema(value_type = Vec<Base64Text>)]
    pub records: Vec<String>,
}

/// A signed checkpoint of the audit log.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CheckpointView {
    /// The signed note (C2SP `tlog-checkpoint`).
    pub note: String,
    /// The public key that verifies it, PEM.
    pub key: String,
}

/// Two trees over the audit records, by their sizes.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsistencyQuery {
    /// Records in the earlier.
    pub earlier: u64,
    /// Records in the later.
    pub later: u64,
}

/// A proof that the later tree continues the earlier one.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ConsistencyView {
    /// Its hashes, in base64.
    #[schema(value_type = Vec<Base64Text>)]
    pub hashes: Vec<String>,
}

/// A proof that the issuance of a certificate is in the audit log.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct IssuanceProofView {
    /// The text (C2SP `tlog-proof`).
    pub proof: String,
    /// The public key that verifies its checkpoint, PEM.
    pub key: String,
}

/// A backup asked for.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BackupText {
    /// The file to be made, by its absolute path.
    #[schema(value_type = AbsolutePath)]
    pub path: String,
}

/// A backup that was made.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BackupView {
    /// The file.
    pub path: String,
    /// The number of the last audit record in it.
    pub sequence: u64,
    /// The root of the tree over the audit records.
    #[schema(value_type = Sha256)]
    pub root: String,
    /// The epoch of the ledger.
    pub epoch: u64,
    /// How many rows were read.
    pub rows: u64,
    /// How many rows were written while they were read.
    pub changes: u64,
    /// SHA-256 of what it holds.
    #[schema(value_type = Sha256)]
    pub sha256: String,
}
