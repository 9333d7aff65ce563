//! What goes over the operator's socket when a delivery is taken in, and how devices are written in files of lines.
//!
//! Texts only; what they mean is checked where they become devices.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::record::{DeliveredDevice, SecretKind, WrappedSecret};
use ca_core::scope::Shard;
use ca_core::system_title::SystemTitle;
use serde::{Deserialize, Serialize};

/// `POST /v1/deliveries`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeliveryText {
    /// Whose devices they become.
    pub(crate) tenant: String,
    /// Who made them.
    pub(crate) manufacturer: String,
    /// `manifest`
    pub(crate) source: String,
    /// SHA-256 of the whole file, in hexadecimal.
    pub(crate) digest: String,
    /// What the manufacturer calls the shipment.
    pub(crate) batch: String,
    /// How many devices the file says it has.
    pub(crate) announced: u64,
}

/// Where a delivery stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeliveryView {
    /// SHA-256 of the whole file, in hexadecimal.
    pub(crate) digest: String,
    /// The part that is to come, from 0.
    pub(crate) next_part: u32,
    /// How many devices were put on the list.
    pub(crate) imported: u64,
    /// Whether it is closed.
    pub(crate) closed: bool,
}

/// `POST /v1/deliveries/{digest}/parts`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PartText {
    /// Which, from 0: a chunk is a part.
    pub(crate) part: u32,
    /// Its devices, up to 1,000.
    pub(crate) devices: Vec<DeviceText>,
}

/// What came of a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PartView {
    /// Which.
    pub(crate) part: u32,
    /// How many devices are new on the list.
    pub(crate) added: u64,
    /// How many stood there with the same content.
    pub(crate) unchanged: u64,
    /// Those that were not taken.
    pub(crate) refused: Vec<RefusedView>,
}

/// A device that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RefusedView {
    /// Which.
    pub(crate) system_title: String,
    /// The stable reason code.
    pub(crate) code: String,
    /// Why, in a sentence.
    pub(crate) message: String,
}

/// `POST /v1/deliveries/{digest}/close`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CloseText {
    /// Close it although more or fewer came than were announced.
    pub(crate) accept_count: bool,
}

/// The totals of a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TotalsView {
    /// How many devices were announced.
    pub(crate) announced: u64,
    /// How many came.
    pub(crate) received: u64,
    /// How many are new on the list.
    pub(crate) imported: u64,
    /// How many stood there with the same content.
    pub(crate) unchanged: u64,
    /// How many were not taken.
    pub(crate) refused: u64,
}

/// A device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeviceText {
    /// 16 upper-case hexadecimal digits.
    pub(crate) system_title: String,
    #[serde(default)]
    pub(crate) serial_number: String,
    #[serde(default)]
    pub(crate) model: String,
    #[serde(default)]
    pub(crate) firmware: String,
    #[serde(default)]
    pub(crate) batch: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) region: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) concentrator: Option<String>,
    /// Base64 of DER each.
    #[serde(default)]
    pub(crate) certificates: Vec<String>,
    #[serde(default)]
    pub(crate) secrets: Vec<SecretText>,
}

/// A wrapped secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecretText {
    /// `kek`, `guek`, `gbek`, `gak`, `hls` or `lls`.
    pub(crate) kind: String,
    /// The label of the key that it is wrapped with.
    pub(crate) wrapped_by: String,
    /// Base64 of the wrapped octets.
    pub(crate) octets: String,
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

impl TryFrom<DeviceText> for DeliveredDevice {
    type Error = String;

    /// Says what is wrong, in words that follow the place of the device.
    fn try_from(text: DeviceText) -> Result<Self, String> {
        let shard = |text: Option<String>| {
            let named = text.filter(|text| !text.is_empty());
            named.map(|text| Shard::parse(&text)).transpose().map_err(|error| error.to_string())
        };
        let octets =
            |what: &str, text: &str| STANDARD.decode(text).map_err(|_| format!("{what} is not in base64"));
        let secret = |one: SecretText| {
            let kind = SecretKind::named(&one.kind).ok_or_else(|| {
                format!("{:?} is no kind of secret: kek, guek, gbek, gak, hls, lls", one.kind)
            })?;
            let octets = octets("a secret", &one.octets)?;
            Ok::<_, String>(WrappedSecret { kind, wrapped_by: one.wrapped_by, octets })
        };
        Ok(Self {
            title: SystemTitle::parse(&text.system_title)
                .map_err(|error| format!("{}: {error}", text.system_title))?,
            serial_number: text.serial_number,
            model: text.model,
            firmware: text.firmware,
            batch: text.batch,
            region: shard(text.region)?,
            concentrator: shard(text.concentrator)?,
            certificates: text
                .certificates
                .iter()
                .map(|one| octets("a certificate", one))
                .collect::<Result<_, _>>()?,
            secrets: text.secrets.into_iter().map(secret).collect::<Result<_, _>>()?,
        })
    }
}

/// A row of a table of devices; lists stand in one cell, their elements apart by spaces.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeviceRow {
    system_title: String,
    #[serde(default)]
    serial_number: String,
    #[serde(default)]
    model: String,
    #[serde(default)]
    firmware: String,
    #[serde(default)]
    batch: String,
    #[serde(default)]
    region: String,
    #[serde(default)]
    concentrator: String,
    /// Base64 of DER each.
    #[serde(default)]
    certificates: String,
    /// `KIND:LABEL:BASE64` each.
    #[serde(default)]
    secrets: String,
}

impl TryFrom<DeviceRow> for DeliveredDevice {
    type Error = String;

    fn try_from(row: DeviceRow) -> Result<Self, String> {
        let secret = |text: &str| {
            let mut parts = text.splitn(3, ':').map(str::to_owned);
            match (parts.next(), parts.next(), parts.next()) {
                (Some(kind), Some(wrapped_by), Some(octets)) => Ok(SecretText { kind, wrapped_by, octets }),
                _ => Err("a secret is not KIND:LABEL:BASE64".to_owned()),
            }
        };
        DeviceText {
            system_title: row.system_title,
            serial_number: row.serial_number,
            model: row.model,
            firmware: row.firmware,
            batch: row.batch,
            region: Some(row.region),
            concentrator: Some(row.concentrator),
            certificates: row.certificates.split_whitespace().map(str::to_owned).collect(),
            secrets: row.secrets.split_whitespace().map(secret).collect::<Result<_, _>>()?,
        }
        .try_into()
    }
}

/// A transport key, as a file of them has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TransportKeyText {
    /// What the secrets call it.
    pub(crate) label: String,
    /// SHA-256 of the `SubjectPublicKeyInfo` of the recipient's RSA key, in hexadecimal.
    pub(crate) recipient: String,
    /// Base64 of the key, wrapped for it with RSA-OAEP.
    pub(crate) wrapped: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device() -> DeliveredDevice {
        DeliveredDevice {
            title: SystemTitle::new(*b"MPK\0\x01\xFE\xA0\x42"),
            serial_number: "SN-1".to_owned(),
            model: "M1".to_owned(),
            firmware: String::new(),
            batch: "B1".to_owned(),
            region: Some(Shard::parse("north").unwrap()),
            concentrator: None,
            certificates: vec![vec![0x30, 0x00], vec![0x30, 0x02, 0x05, 0x00]],
            secrets: vec![WrappedSecret {
                kind: SecretKind::Guek,
                wrapped_by: "tk-1".to_owned(),
                octets: vec![7; 24],
            }],
        }
    }

    #[test]
    fn a_device_comes_back_out_of_its_text() {
        let text = serde_json::to_string(&DeviceText::from(&device())).unwrap();
        let read: DeviceText = serde_json::from_str(&text).unwrap();
        assert_eq!(DeliveredDevice::try_from(read), Ok(device()));
    }

    #[test]
    fn a_row_of_a_table_says_the_same() {
        let table = "system_title,serial_number,model,batch,region,certificates,secrets\n\
            4D504B0001FEA042,SN-1,M1,B1,north,MAA= MAIFAA==,guek:tk-1:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH\n";
        let mut reader = csv::Reader::from_reader(table.as_bytes());
        let row: DeviceRow = reader.deserialize().next().unwrap().unwrap();
        assert_eq!(DeliveredDevice::try_from(row), Ok(device()));
    }

    #[test]
    fn what_is_wrong_is_said_in_words() {
        let good = || DeviceText::from(&device());
        let said = |text: DeviceText| DeliveredDevice::try_from(text).unwrap_err();
        assert!(said(DeviceText { system_title: "4D50".to_owned(), ..good() }).contains("16 hexadecimal"));
        assert!(said(DeviceText { certificates: vec!["%".to_owned()], ..good() }).contains("base64"));
        assert!(said(DeviceText { region: Some("no rth".to_owned()), ..good() }).contains("no rth"));
        let mut wrong = good();
        wrong.secrets[0].kind = "key".to_owned();
        assert!(said(wrong).contains("no kind of secret"));
    }
}
