//! How devices are written in tables, and transport keys in their file.
//!
//! Texts only; what they mean is checked where they become devices.

use ca_core::record::DeliveredDevice;
use serde::{Deserialize, Serialize};

use crate::operator::wire::deliveries::DeliveredDeviceText;
use crate::operator::wire::fleet::SecretText;

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
        let text = DeliveredDeviceText {
            system_title: row.system_title,
            serial_number: row.serial_number,
            model: row.model,
            firmware: row.firmware,
            batch: row.batch,
            region: Some(row.region),
            concentrator: Some(row.concentrator),
            certificates: row.certificates.split_whitespace().map(str::to_owned).collect(),
            secrets: row.secrets.split_whitespace().map(secret).collect::<Result<_, _>>()?,
        };
        Self::try_from(text).map_err(|wrong| wrong.message)
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
    use ca_core::record::{SecretKind, WrappedSecret};
    use ca_core::scope::Shard;
    use ca_core::system_title::SystemTitle;

    use super::*;

    #[test]
    fn a_row_of_a_table_is_a_device() {
        let table = "system_title,serial_number,model,batch,region,certificates,secrets\n\
            4D504B0001FEA042,SN-1,M1,B1,north,MAA= MAIFAA==,guek:tk-1:BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH\n";
        let mut reader = csv::Reader::from_reader(table.as_bytes());
        let row: DeviceRow = reader.deserialize().next().unwrap().unwrap();
        let device = DeliveredDevice {
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
        };
        assert_eq!(DeliveredDevice::try_from(row), Ok(device));
    }
}
