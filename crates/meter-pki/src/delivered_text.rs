//! A delivered device as JSON says it, in files of lines and over the operator's socket.
//!
//! Texts become values here; whether a device is one that may be taken in is checked elsewhere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::record::{DeliveredDevice, SecretKind, WrappedSecret};
use ca_core::scope::Shard;
use ca_core::system_title::SystemTitle;

use crate::operator::wire::deliveries::DeliveredDeviceText;
use crate::operator::wire::fleet::SecretText;

/// What is wrong with a text: the stable reason code, and words that follow the place of the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableDevice {
    /// The stable reason code.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
}

impl From<&DeliveredDevice> for DeliveredDeviceText {
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

impl TryFrom<DeliveredDeviceText> for DeliveredDevice {
    type Error = UnreadableDevice;

    fn try_from(text: DeliveredDeviceText) -> Result<Self, UnreadableDevice> {
        let title = SystemTitle::parse(&text.system_title)
            .map_err(|error| unreadable("title.malformed", format!("{}: {error}", text.system_title)))?;
        let certificates =
            text.certificates.iter().map(|one| octets("device.certificate_malformed", "a certificate", one));
        Ok(Self {
            title,
            certificates: certificates.collect::<Result<_, _>>()?,
            secrets: text.secrets.iter().map(secret).collect::<Result<_, _>>()?,
            serial_number: text.serial_number,
            model: text.model,
            firmware: text.firmware,
            batch: text.batch,
            region: place(text.region)?,
            concentrator: place(text.concentrator)?,
        })
    }
}

const fn unreadable(code: &'static str, message: String) -> UnreadableDevice {
    UnreadableDevice { code, message }
}

fn octets(code: &'static str, what: &str, text: &str) -> Result<Vec<u8>, UnreadableDevice> {
    STANDARD.decode(text).map_err(|_| unreadable(code, format!("{what} is not in base64")))
}

fn secret(text: &SecretText) -> Result<WrappedSecret, UnreadableDevice> {
    let kind = SecretKind::named(&text.kind).ok_or_else(|| {
        let message = format!("{:?} is no kind of secret: kek, guek, gbek, gak, hls, lls", text.kind);
        unreadable("device.secret", message)
    })?;
    let octets = octets("device.secret", "a secret", &text.octets)?;
    Ok(WrappedSecret { kind, wrapped_by: text.wrapped_by.clone(), octets })
}

/// An empty place is none.
fn place(text: Option<String>) -> Result<Option<Shard>, UnreadableDevice> {
    let named = text.filter(|text| !text.is_empty());
    let parsed = named.map(|text| Shard::parse(&text)).transpose();
    parsed.map_err(|error| unreadable("device.place", error.to_string()))
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
        let text = serde_json::to_string(&DeliveredDeviceText::from(&device())).unwrap();
        let read: DeliveredDeviceText = serde_json::from_str(&text).unwrap();
        assert_eq!(DeliveredDevice::try_from(read), Ok(device()));
    }

    #[test]
    fn what_is_wrong_is_said_by_its_code_and_in_words() {
        let good = || DeliveredDeviceText::from(&device());
        let said = |text: DeliveredDeviceText| {
            let UnreadableDevice { code, message } = DeliveredDevice::try_from(text).unwrap_err();
            (code, message)
        };
        let (code, message) = said(DeliveredDeviceText { system_title: "4D50".to_owned(), ..good() });
        assert!(code == "title.malformed" && message.contains("16 hexadecimal"), "{message}");
        let (code, message) = said(DeliveredDeviceText { certificates: vec!["%".to_owned()], ..good() });
        assert!(code == "device.certificate_malformed" && message.contains("base64"), "{message}");
        let (code, message) = said(DeliveredDeviceText { region: Some("no rth".to_owned()), ..good() });
        assert!(code == "device.place" && message.contains("no rth"), "{message}");
        let mut wrong = good();
        wrong.secrets[0].kind = "key".to_owned();
        let (code, message) = said(wrong);
        assert!(code == "device.secret" && message.contains("no kind of secret"), "{message}");
    }
}
