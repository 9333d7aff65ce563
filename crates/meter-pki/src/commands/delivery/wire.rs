//! What goes over the operator's socket when a delivery is imported.
//!
//! Texts only; what they mean is checked by who serves.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::record::{DeliveredDevice, WrappedSecret};
use serde::{Deserialize, Serialize};

/// The number of the first part.
pub(super) const FIRST_PART: u32 = 0;

/// `POST /v1/deliveries`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DeliveryText {
    /// Whose devices they become.
    pub(super) tenant: String,
    /// Who made them.
    pub(super) manufacturer: String,
    /// `mapped`
    pub(super) source: String,
    /// SHA-256 of the whole file, in hexadecimal.
    pub(super) digest: String,
    /// What the delivery is called.
    pub(super) batch: String,
    /// How many devices it has.
    pub(super) announced: u64,
}

/// Where a delivery stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DeliveryView {
    /// SHA-256 of the whole file, in hexadecimal.
    pub(super) digest: String,
    /// The part that is to come.
    pub(super) next_part: u32,
    /// How many devices were put on the list.
    pub(super) imported: u64,
    /// Whether it is closed.
    pub(super) closed: bool,
}

/// `POST /v1/deliveries/{digest}/parts`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PartText {
    /// Which: rows 1,000 times this and up of the file.
    pub(super) part: u32,
    /// Its devices, up to 1,000.
    pub(super) devices: Vec<DeviceText>,
}

/// What came of a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PartView {
    /// Which.
    pub(super) part: u32,
    /// How many devices are new on the list.
    pub(super) added: u64,
    /// How many stood there with the same content.
    pub(super) unchanged: u64,
    /// Those that were not taken.
    pub(super) refused: Vec<RefusedView>,
}

/// A device that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RefusedView {
    /// Which.
    pub(super) system_title: String,
    /// The stable reason code.
    pub(super) code: String,
    /// Why, in a sentence.
    pub(super) message: String,
}

/// `POST /v1/deliveries/{digest}/close`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CloseText {
    /// Close it although more or fewer came than were announced.
    pub(super) accept_count: bool,
}

/// The totals of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TotalsView {
    /// How many devices were announced.
    pub(super) announced: u64,
    /// How many came.
    pub(super) received: u64,
    /// How many are new on the list.
    pub(super) imported: u64,
    /// How many stood there with the same content.
    pub(super) unchanged: u64,
    /// How many were not taken.
    pub(super) refused: u64,
}

/// A device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DeviceText {
    /// 16 upper-case hexadecimal digits.
    pub(super) system_title: String,
    /// The manufacturer's own number.
    pub(super) serial_number: String,
    /// The model.
    pub(super) model: String,
    /// The firmware version.
    pub(super) firmware: String,
    /// The delivery batch.
    pub(super) batch: String,
    /// The region of the grid, if that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) region: Option<String>,
    /// The data concentrator, if that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) concentrator: Option<String>,
    /// Base64 of DER each.
    pub(super) certificates: Vec<String>,
    /// Its wrapped secrets.
    pub(super) secrets: Vec<SecretText>,
}

/// A wrapped secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SecretText {
    /// `kek`, `guek`, `gbek`, `gak`, `hls` or `lls`.
    pub(super) kind: String,
    /// The label of the key that it is wrapped with.
    pub(super) wrapped_by: String,
    /// Base64 of the wrapped octets.
    pub(super) octets: String,
}

impl From<&DeliveredDevice> for DeviceText {
    fn from(device: &DeliveredDevice) -> Self {
        let secret = |secret: &WrappedSecret| SecretText {
            kind: secret.kind.name().to_owned(),
            wrapped_by: secret.wrapped_by.clone(),
            octets: STANDARD.encode(&secret.octets),
        };
        Self {
            system_title: device.title.to_string(),
            serial_number: device.serial_number.clone(),
            model: device.model.clone(),
            firmware: device.firmware.clone(),
            batch: device.batch.clone(),
            region: device.region.as_ref().map(ToString::to_string),
            concentrator: device.concentrator.as_ref().map(ToString::to_string),
            certificates: device.certificates.iter().map(|der| STANDARD.encode(der)).collect(),
            secrets: device.secrets.iter().map(secret).collect(),
        }
    }
}
