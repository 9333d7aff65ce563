//! Devices as JSON: searching, counting, what is known of one, its history, and acts on many.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::CertificateView;
use super::words::{
    Base64Text, DeviceActWord, DeviceEventWord, DeviceFieldWord, DeviceStateWord, MakerName, PurposeWord,
    ReasonText, SecretWord, Serial, Sha256, ShortText, SystemTitle, TenantId, TimeText, TitleStart, WhyText,
};

/// Which devices to list.
#[derive(Debug, Clone, Serialize, Deserialize, Default, PartialEq, Eq, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DeviceQueryText {
    /// The owner.
    #[schema(value_type = TenantId, required = true)]
    pub tenant: String,
    /// Only those of this manufacturer: his name, or in three capital letters the FLAG id with which system titles begin.
    #[schema(value_type = Option<MakerName>)]
    pub manufacturer: Option<String>,
    /// Only those that have no operational certificate yet.
    pub without_operational: bool,
    /// Only those that stand here, such as `expected`.
    #[schema(value_type = Option<DeviceStateWord>)]
    pub state: Option<String>,
    /// Only those of this model.
    pub model: Option<String>,
    /// Only those with this firmware.
    pub firmware: Option<String>,
    /// Only those of this batch.
    pub batch: Option<String>,
    /// Only those in this region.
    pub region: Option<String>,
    /// Only those behind this concentrator.
    pub concentrator: Option<String>,
    /// Only the one with this number of the manufacturer's.
    pub serial_number: Option<String>,
    /// Only those whose system titles begin with these hexadecimal digits, an even number.
    #[schema(value_type = Option<TitleStart>)]
    pub title_prefix: Option<String>,
    /// Only the one with this key: SHA-256 of the SubjectPublicKeyInfo, 64 hexadecimal digits.
    #[schema(value_type = Option<Sha256>)]
    pub key: Option<String>,
    /// Only those with a certificate of this serial number, delivered or issued here.
    #[schema(value_type = Option<Serial>)]
    pub certificate: Option<String>,
    /// Only those that this delivery described last: its SHA-256.
    #[schema(value_type = Option<Sha256>)]
    pub delivery: Option<String>,
    /// Only those after this system title.
    #[schema(value_type = Option<SystemTitle>)]
    pub after: Option<String>,
    /// At most so many, up to 10,000.
    pub limit: u32,
}

/// A device.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DeviceView {
    /// Its system title.
    #[schema(value_type = SystemTitle)]
    pub system_title: String,
    /// The owner.
    #[schema(value_type = TenantId)]
    pub tenant: String,
    /// `manufactured`, `shipped`, `expected`, `claimed`, `operational`, `suspended` or `retired`.
    #[schema(value_type = DeviceStateWord)]
    pub state: String,
    /// The manufacturer that must vouch for it.
    #[schema(value_type = Option<TenantId>)]
    pub manufacturer: Option<String>,
    /// The manufacturer's own number.
    #[schema(value_type = ShortText)]
    pub serial_number: String,
    /// Model.
    #[schema(value_type = ShortText)]
    pub model: String,
    /// Firmware as delivered.
    #[schema(value_type = ShortText)]
    pub firmware: String,
    /// Delivery batch.
    #[schema(value_type = ShortText)]
    pub batch: String,
    /// The region of the grid.
    pub region: Option<String>,
    /// The data concentrator.
    pub concentrator: Option<String>,
    /// When it was put on its owner's list.
    #[schema(value_type = TimeText)]
    pub imported_at: String,
    /// SHA-256 of the factory key that claimed it.
    #[schema(value_type = Option<Sha256>)]
    pub claimed_by: Option<String>,
    /// Since when its factory certificates are superseded.
    #[schema(value_type = Option<TimeText>)]
    pub factory_superseded_at: Option<String>,
    /// Where it stood before it was suspended.
    #[schema(value_type = Option<DeviceStateWord>)]
    pub suspended_from: Option<String>,
    /// To whom its maker has sent it.
    #[schema(value_type = Option<TenantId>)]
    pub shipped_to: Option<String>,
    /// SHA-256 of the delivery that described it last.
    #[schema(value_type = Option<Sha256>)]
    pub delivery: Option<String>,
}

/// Some devices and where the next ones begin.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DevicePage {
    /// The devices.
    pub devices: Vec<DeviceView>,
    /// `after` of the next page; absent on the last.
    pub next: Option<String>,
}

/// A certificate that came with a device.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CredentialView {
    /// `signature`, `key-agreement` or `tls`.
    #[schema(value_type = PurposeWord)]
    pub purpose: String,
    /// The issuer's name.
    pub issuer: String,
    /// Its serial number.
    #[schema(value_type = Serial)]
    pub serial: String,
    /// SHA-256 of the SubjectPublicKeyInfo.
    #[schema(value_type = Sha256)]
    pub key: String,
    /// From when it is valid.
    #[schema(value_type = TimeText)]
    pub not_before: String,
    /// Until when.
    #[schema(value_type = TimeText)]
    pub not_after: String,
    /// The certificate, base64 of its DER.
    #[schema(value_type = Base64Text)]
    pub certificate: String,
}

/// A wrapped secret of a device, without its octets.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SecretView {
    /// What it is for.
    #[schema(value_type = SecretWord)]
    pub kind: String,
    /// The label of the key that it is wrapped with.
    pub wrapped_by: String,
}

/// Everything that is known of a device.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct DeviceDetailView {
    /// The device.
    pub device: DeviceView,
    /// The certificates that came with it.
    pub delivered: Vec<CredentialView>,
    /// The certificates that were issued for it here, of every hierarchy.
    pub certificates: Vec<CertificateView>,
    /// The wrapped secrets that came with it.
    pub secrets: Vec<SecretView>,
    /// What became of it, oldest first; the last hundred lines.
    pub history: Vec<HistoryView>,
}

/// A line of a device's history.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct HistoryView {
    /// The number of its audit record.
    pub sequence: u64,
    /// When.
    #[schema(value_type = TimeText)]
    pub time: String,
    /// What became of the device.
    #[schema(value_type = DeviceEventWord)]
    pub event: String,
    /// Who caused it.
    pub by: String,
    /// Whose it was from then on.
    #[schema(value_type = Option<TenantId>)]
    pub owner: Option<String>,
    /// Where it stood from then on.
    #[schema(value_type = Option<DeviceStateWord>)]
    pub state: Option<String>,
    /// SHA-256 of the delivery that told of it.
    #[schema(value_type = Option<Sha256>)]
    pub delivery: Option<String>,
    /// The serial number of the certificate concerned.
    #[schema(value_type = Option<Serial>)]
    pub serial: Option<String>,
    /// What the record says besides, the names of other devices left out.
    pub detail: String,
}

/// Which part of a history.
#[derive(Debug, Clone, Serialize, Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HistoryQueryText {
    /// Only what came after this audit record.
    pub after: u64,
    /// At most so many lines, up to 10,000.
    pub limit: u32,
}

/// Some of a history.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct HistoryPage {
    /// The lines.
    pub history: Vec<HistoryView>,
    /// `after` of the next page; absent on the last.
    pub next: Option<u64>,
}

/// The proof that a line of a history is in the audit log.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct HistoryProofView {
    /// The number of the audit record.
    pub sequence: u64,
    /// What became of the device.
    #[schema(value_type = DeviceEventWord)]
    pub event: String,
    /// The proof, as C2SP tlog-proof writes it.
    pub proof: String,
}

/// The proofs of a device's history.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct HistoryProofsView {
    /// The device.
    #[schema(value_type = SystemTitle)]
    pub system_title: String,
    /// One proof for each line.
    pub proofs: Vec<HistoryProofView>,
    /// The public key of the checkpoints, PEM.
    pub key: String,
}

/// What to count by.
#[derive(Debug, Clone, Serialize, Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CountQueryText {
    /// The owner.
    #[schema(value_type = TenantId, required = true)]
    pub tenant: String,
    /// A field such as `region`; all devices together when absent.
    #[schema(value_type = Option<DeviceFieldWord>)]
    pub by: Option<String>,
}

/// How many devices have one text in the field, by their states.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CountView {
    /// The text; empty where all are counted.
    pub value: String,
    /// How many in all.
    pub total: u64,
    /// How many in each state that there are any in.
    pub states: std::collections::BTreeMap<String, u64>,
}

/// An act on devices.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeText {
    /// Whose devices they are.
    #[schema(value_type = TenantId)]
    pub tenant: String,
    /// `ship`, `suspend`, `resume`, `retire` or `transfer`.
    #[schema(value_type = DeviceActWord)]
    pub act: String,
    /// To whom they are sent or pass.
    #[serde(default)]
    #[schema(value_type = Option<TenantId>)]
    pub to: Option<String>,
    /// Why, at most 200 characters.
    #[schema(value_type = WhyText)]
    pub reason: String,
    /// Which devices, up to 1,000.
    #[schema(value_type = Vec<SystemTitle>, min_items = 1, max_items = 1000)]
    pub system_titles: Vec<String>,
    /// Say only what would become of them.
    #[serde(default)]
    pub dry_run: bool,
}

/// A device that is not changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefusedDeviceView {
    /// Its system title, as it was given.
    pub system_title: String,
    /// The stable reason code.
    #[schema(value_type = ReasonText)]
    pub code: String,
    /// One sentence.
    pub message: String,
}

/// What became, or would become, of devices.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ChangeView {
    /// What was changed, or would be.
    #[schema(value_type = Vec<SystemTitle>)]
    pub changed: Vec<String>,
    /// What was not, and why.
    pub refused: Vec<RefusedDeviceView>,
    /// The numbers of the first and the last audit record.
    pub records: Option<(u64, u64)>,
}

/// A wrapped secret, as it comes with a device and as it is given out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretText {
    /// What it is for.
    pub kind: String,
    /// The label of the key that it is wrapped with.
    pub wrapped_by: String,
    /// The wrapped octets, base64.
    pub octets: String,
}

impl std::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretText").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Why secrets are given out.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretsRequest {
    /// Whose device it is.
    #[schema(value_type = TenantId)]
    pub tenant: String,
    /// Why, at most 200 characters.
    #[schema(value_type = WhyText)]
    pub reason: String,
}
