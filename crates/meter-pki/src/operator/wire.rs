//! What goes over the operator's socket, as JSON: names in snake case, times in RFC 3339, octets in hexadecimal or base64.
//!
//! Texts on the way in; what they mean is checked in `acts`.

pub mod campaigns;
pub mod crls;
pub mod deliveries;
pub mod doctor;
pub mod emergencies;
pub mod fleet;
pub mod ocsp;
pub mod orders;
pub mod people;
pub mod production;
pub mod reconciliation;
pub mod requests;
pub mod shut_out;
pub mod visits;

use serde::{Deserialize, Serialize};

/// A certification authority.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuthorityView {
    /// Its name in the configuration.
    pub name: String,
    /// Its owner.
    pub tenant: String,
    /// Its distinguished name.
    pub subject: String,
    /// Its key's name, 40 hexadecimal digits.
    pub key: String,
    /// `P-256` or `P-384`.
    pub curve: String,
    /// The end of its certificate.
    pub not_after: String,
    /// The end of its issuing window.
    pub issues_until: String,
    /// The profiles it issues under.
    pub profiles: Vec<String>,
    /// SHA-256 of its certificate.
    pub sha256: String,
    /// Where its CRL is.
    pub crl_uri: Option<String>,
    /// Where its OCSP responder is.
    pub ocsp_uri: Option<String>,
}

/// Which certificates to list.
#[derive(Debug, Clone, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct CertificateQueryText {
    /// Only of this tenant.
    pub tenant: Option<String>,
    /// Only of the authority with this name.
    pub issuer: Option<String>,
    /// Only of this device.
    pub system_title: Option<String>,
    /// Only those of this status: `good`, `revoked`, `uncertain`, `aborted` or `intent`.
    pub status: Option<String>,
    /// Only those after this place, as `next` of the page before said.
    pub after: Option<String>,
    /// At most so many, up to 10,000.
    pub limit: u32,
}

/// A certificate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CertificateView {
    /// The name of its authority.
    pub issuer: String,
    /// Its serial number.
    pub serial: String,
    /// Its subject.
    pub subject: String,
    /// Its owner.
    pub tenant: String,
    /// Its profile.
    pub profile: String,
    /// That profile's version.
    pub profile_version: u32,
    /// What its key is for.
    pub purpose: String,
    /// The hierarchy of its slot, for devices.
    pub hierarchy: Option<String>,
    /// The shard of CRLs that lists it when it is revoked.
    pub shard: Option<String>,
    /// Whether no CRL lists it, since it is short-lived.
    #[serde(default)]
    pub on_no_crl: bool,
    /// Its first second.
    pub not_before: String,
    /// Its last second.
    pub not_after: String,
    /// When it was recorded.
    pub recorded_at: String,
    /// `good`, `expired`, `on-hold`, `revoked`, `pending`, `aborted` or `uncertain`.
    pub status: String,
    /// When it was revoked.
    pub revoked_at: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// What happened and what will, where the status needs words; in the view of a single one only.
    pub explanation: Option<String>,
    /// What to type next, if anything is to be done; in the view of a single one only.
    pub next: Option<String>,
    /// The certificate as PEM; in the view of a single one only.
    pub pem: Option<String>,
}

/// A certificate asked for by an operator.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificationText {
    /// The name of the authority.
    pub issuer: String,
    /// The profile, which must be offered to operators.
    pub profile: String,
    /// The certification request (PKCS#10), DER in base64.
    pub request: String,
}

/// Some certificates and where the next ones begin.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CertificatePage {
    /// The certificates.
    pub certificates: Vec<CertificateView>,
    /// `after` of the next page; absent on the last.
    pub next: Option<String>,
}

/// A release from hold asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldReleaseText {
    /// The name of the authority; may be left out when one serial number leads to one certificate.
    pub issuer: Option<String>,
    /// The serial number.
    pub serial: String,
}

/// A release on record.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HoldReleaseView {
    /// The name of the authority.
    pub issuer: String,
    /// The serial number.
    pub serial: String,
    /// Since when it was on hold.
    pub held_since: String,
    /// Until when.
    pub released_at: String,
    /// The number of its audit record.
    pub sequence: u64,
    /// When the next CRL is due at the latest, on which it no longer stands; absent where no CRL lists it.
    pub next_crl_by: Option<String>,
}

/// A revocation asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevocationText {
    /// The name of the authority; may be left out when one serial number leads to one certificate.
    pub issuer: Option<String>,
    /// The serial number.
    pub serial: String,
    /// The reason as RFC 5280 names it.
    pub reason: String,
    /// Since when the key is suspected.
    pub invalidity_date: Option<String>,
}

/// A revocation on record.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RevocationView {
    /// The name of the authority.
    pub issuer: String,
    /// The serial number.
    pub serial: String,
    /// When.
    pub revoked_at: String,
    /// Why.
    pub reason: String,
    /// The number of its audit record.
    pub sequence: u64,
    /// When the next CRL is due at the latest; absent where no CRL lists it.
    pub next_crl_by: Option<String>,
}

/// Devices to be put on a list.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportRequest {
    /// The owner.
    pub tenant: String,
    /// The devices.
    pub devices: Vec<ImportedDevice>,
    /// The owner is their maker, and has them still.
    #[serde(default)]
    pub made: bool,
}

/// A device as its owner expects it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportedDevice {
    /// Its system title.
    pub system_title: String,
    /// The manufacturer that must vouch for it; any trusted one unless given.
    #[serde(default)]
    pub manufacturer: Option<String>,
    /// The manufacturer's own number.
    #[serde(default)]
    pub serial_number: String,
    /// Model.
    #[serde(default)]
    pub model: String,
    /// Firmware.
    #[serde(default)]
    pub firmware: String,
    /// Delivery batch.
    #[serde(default)]
    pub batch: String,
    /// The region of the grid that it is in; it names a shard of CRLs.
    #[serde(default)]
    pub region: String,
    /// The data concentrator that it is behind; it names a shard of CRLs.
    #[serde(default)]
    pub concentrator: String,
}

/// What became of an import.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImportView {
    /// New on the list.
    pub added: u64,
    /// On the list before.
    pub unchanged: u64,
    /// Not taken: on another list, or in service with other content.
    pub refused: Vec<String>,
}

/// A token asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenText {
    /// The device.
    pub system_title: String,
    /// The profile it opens.
    pub profile: String,
    /// How long it is good.
    pub valid_minutes: u32,
}

/// A token, shown once.
#[derive(Clone, Serialize, Deserialize)]
pub struct TokenView {
    /// The user name of HTTP Basic.
    pub user: String,
    /// The password of HTTP Basic: the only copy of the secret.
    pub secret: String,
    /// Until when.
    pub expires_at: String,
}

impl std::fmt::Debug for TokenView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenView").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Which CRLs to make: all of an authority unless a shard is named, complete ones with their deltas unless deltas alone.
#[derive(Debug, Clone, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct CrlChoice {
    /// Only of this shard.
    pub shard: Option<String>,
    /// Only deltas to the complete CRLs that are published.
    #[serde(default)]
    pub delta: bool,
}

/// A CRL on record.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CrlView {
    /// The name of the authority.
    pub authority: String,
    /// The shard that it speaks of; absent when it speaks of all.
    pub shard: Option<String>,
    /// The number of the complete CRL that it is a delta to; absent for a complete one.
    pub base: Option<u64>,
    /// Its CRL number.
    pub number: u64,
    /// thisUpdate.
    pub this_update: String,
    /// nextUpdate.
    pub next_update: String,
    /// How many entries.
    pub entries: u64,
    /// Its length in octets.
    pub octets: u64,
    /// Where it is.
    pub uri: Option<String>,
}

/// CRLs that were made and published.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PublishedCrlsView {
    /// The complete one of all, or the first that was asked for.
    #[serde(flatten)]
    pub first: CrlView,
    /// The others.
    pub further: Vec<CrlView>,
}

/// A CRL that was signed elsewhere.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrlText {
    /// Its DER octets, in base64.
    pub der: String,
}

/// A CRL that was taken in and published.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImportedCrlView {
    /// Whose it is.
    pub issuer: String,
    /// Its CRL number.
    pub number: u64,
    /// nextUpdate.
    pub next_update: String,
}

/// Objects of a ceremony, to be kept until their dates.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleasesText {
    /// All of them are taken in, or none.
    pub objects: Vec<ReleaseText>,
}

/// One object.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseText {
    /// Its DER octets, in base64.
    pub der: String,
    /// Its date, RFC 3339; thisUpdate or notBefore unless given.
    pub release: Option<String>,
    /// What the list of its series says of it.
    pub listed: Option<ListedText>,
}

/// A file in the list of a series.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedText {
    /// Its name.
    pub file: String,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

/// What is kept and what comes next.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReleasesView {
    /// How many of the objects of this request were not kept before.
    pub new: usize,
    /// Everything that is kept, in the order of the dates.
    pub releases: Vec<ReleaseView>,
    /// The ends of the roots' CRLs and certificates.
    pub ends: Vec<RootEndView>,
}

/// One object that is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReleaseView {
    /// Its date.
    pub release: String,
    /// What it is.
    pub what: String,
    /// Its SHA-256.
    pub sha256: String,
    /// `out`, `next`, `later`, or `overtaken` by another that was signed after it.
    pub state: String,
}

/// When something of a root ends.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RootEndView {
    /// The root's name.
    pub root: String,
    /// `crl` for its last CRL, out or kept, or `certificate`.
    pub what: String,
    /// When it ends.
    pub end: String,
    /// Whole days until then.
    pub days: i64,
    /// One sentence.
    pub sentence: String,
}

/// Which audit records.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditQuery {
    /// Only those after this number.
    pub after: u64,
    /// At most so many, up to 10,000.
    pub limit: u32,
}

/// Some audit records.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuditPage {
    /// The DER octets of each, in base64.
    pub records: Vec<String>,
}

/// A signed checkpoint of the audit log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CheckpointView {
    /// The signed note (C2SP `tlog-checkpoint`).
    pub note: String,
    /// The public key that verifies it, PEM.
    pub key: String,
}

/// Two trees over the audit records, by their sizes.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsistencyQuery {
    /// Records in the earlier.
    pub earlier: u64,
    /// Records in the later.
    pub later: u64,
}

/// A proof that the later tree continues the earlier one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ConsistencyView {
    /// Its hashes, in base64.
    pub hashes: Vec<String>,
}

/// A proof that the issuance of a certificate is in the audit log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IssuanceProofView {
    /// The text (C2SP `tlog-proof`).
    pub proof: String,
    /// The public key that verifies its checkpoint, PEM.
    pub key: String,
}

/// A backup asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupText {
    /// The file to be made, by its absolute path.
    pub path: String,
}

/// A backup that was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BackupView {
    /// The file.
    pub path: String,
    /// The number of the last audit record in it.
    pub sequence: u64,
    /// The root of the tree over the audit records.
    pub root: String,
    /// The epoch of the ledger.
    pub epoch: u64,
    /// How many rows were read.
    pub rows: u64,
    /// How many rows were written while they were read.
    pub changes: u64,
    /// SHA-256 of what it holds.
    pub sha256: String,
}

/// The ledger as a whole.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StoreView {
    /// `fjall` or `sled`.
    pub engine: String,
    /// The number of the last audit record.
    pub sequence: u64,
    /// The root of the tree over the audit records.
    pub root: String,
    /// The id of this copy of the ledger, if it has one.
    pub installation: Option<String>,
    /// The epoch under which it issues.
    pub epoch: Option<u64>,
    /// Since when it is in recovery.
    pub recovery_since: Option<String>,
    /// Why.
    pub recovery_reason: Option<String>,
}

/// How a request failed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FailureView {
    /// The stable reason code.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do next; may be empty.
    pub next: String,
    /// The exit code that a command line ends with.
    pub exit: u8,
}
