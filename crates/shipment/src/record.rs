//! One delivered device as DER, and what must hold of it: its certificates are its own, its secrets under keys that are named.
//!
//! The salt hides it: who is shown the proof of a neighbour sees the hash of this record, and guesses nothing from it. Whether a
//! certificate leads to its manufacturer is decided where devices are taken in.

use ca_core::certificate::{Certificate, CertificateError};
use ca_core::record::{DeliveredDevice, SecretKind, WrappedSecret};
use ca_core::scope::Shard;
use ca_core::system_title::SystemTitle;
use der::asn1::{Any, OctetString};
use der::{Decode, Encode, Sequence};

use crate::object::fixed;

/// The most octets of a record.
pub const MAX_RECORD_OCTETS: usize = 65_536;
/// The most octets of a text in it.
pub(crate) const MAX_TEXT_OCTETS: usize = 64;
/// The most octets of a label.
const MAX_LABEL_OCTETS: usize = 64;
/// The most certificates of a device, and the most secrets.
const MAX_OF_EACH: usize = 16;
/// The most octets of a wrapped secret.
const MAX_WRAPPED_OCTETS: usize = 512;
/// Octets of a salt.
pub(crate) const SALT_OCTETS: usize = 16;

/// ```text
/// DeviceRecord ::= SEQUENCE {
///     salt          OCTET STRING (SIZE (16)),
///     systemTitle   OCTET STRING (SIZE (8)),
///     serialNumber  UTF8String,
///     model         UTF8String,
///     firmware      UTF8String,
///     batch         UTF8String,                 -- up to 64 octets each, maybe none
///     region        [0] UTF8String OPTIONAL,
///     concentrator  [1] UTF8String OPTIONAL,    -- 1 to 32 letters, digits and hyphens each
///     certificates  SEQUENCE OF Certificate,    -- up to 16
///     secrets       SEQUENCE OF Secret }        -- up to 16
/// ```
#[derive(Sequence)]
struct WireRecord {
    salt: OctetString,
    title: OctetString,
    serial_number: String,
    model: String,
    firmware: String,
    batch: String,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    region: Option<String>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    concentrator: Option<String>,
    certificates: Vec<Any>,
    secrets: Vec<WireSecret>,
}

/// ```text
/// Secret ::= SEQUENCE {
///     kind       INTEGER { kek(0), guek(1), gbek(2), gak(3), hls(4), lls(5) },
///     wrappedBy  UTF8String,                    -- the label of a transport key of the header
///     octets     OCTET STRING }                 -- wrapped, 1 to 512
/// ```
#[derive(Sequence)]
struct WireSecret {
    kind: u8,
    wrapped_by: String,
    octets: OctetString,
}

/// Tells whether a text may be the label of a transport key: 1 to 64 letters, digits, dots, hyphens and underscores.
#[must_use]
pub fn is_label(text: &str) -> bool {
    let plain = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'.' | b'-' | b'_');
    (1..=MAX_LABEL_OCTETS).contains(&text.len()) && text.bytes().all(plain)
}

/// Tells whether a text is short enough, and has no control characters.
pub(crate) fn is_text(text: &str) -> bool {
    text.len() <= MAX_TEXT_OCTETS && !text.chars().any(char::is_control)
}

/// Encodes a device with its salt.
pub(crate) fn encode(device: &DeliveredDevice, salt: [u8; SALT_OCTETS]) -> Result<Vec<u8>, RecordFault> {
    check_fields(device)?;
    let certificate = |(place, der): (usize, &Vec<u8>)| {
        Any::from_der(der).map_err(|_| RecordFault::NotCertificate { number: place.saturating_add(1) })
    };
    let certificates = device.certificates.iter().enumerate().map(certificate).collect::<Result<_, _>>()?;
    let octets = write(device, salt, certificates).map_err(|_| RecordFault::Field { name: "secrets" })?;
    if octets.len() > MAX_RECORD_OCTETS {
        return Err(RecordFault::TooLong { octets: octets.len() });
    }
    Ok(octets)
}

fn write(device: &DeliveredDevice, salt: [u8; SALT_OCTETS], certificates: Vec<Any>) -> der::Result<Vec<u8>> {
    let secret = |secret: &WrappedSecret| {
        Ok(WireSecret {
            kind: number_of(secret.kind),
            wrapped_by: secret.wrapped_by.clone(),
            octets: OctetString::new(secret.octets.as_slice())?,
        })
    };
    WireRecord {
        salt: OctetString::new(salt)?,
        title: OctetString::new(*device.title.octets())?,
        serial_number: device.serial_number.clone(),
        model: device.model.clone(),
        firmware: device.firmware.clone(),
        batch: device.batch.clone(),
        region: device.region.as_ref().map(ToString::to_string),
        concentrator: device.concentrator.as_ref().map(ToString::to_string),
        certificates,
        secrets: device.secrets.iter().map(secret).collect::<der::Result<_>>()?,
    }
    .to_der()
}

/// Reads what [`encode`] writes.
pub(crate) fn decode(der: &[u8]) -> Result<DeliveredDevice, RecordFault> {
    if der.len() > MAX_RECORD_OCTETS {
        return Err(RecordFault::TooLong { octets: der.len() });
    }
    let wire = WireRecord::from_der(der)
        .map_err(|cause| RecordFault::NotDer { position: cause.position().map(u32::from) })?;
    let field = |name| RecordFault::Field { name };
    let shard = |text: Option<String>, name| {
        text.map(|text| Shard::parse(&text)).transpose().map_err(|_| RecordFault::Field { name })
    };
    fixed::<SALT_OCTETS>(&wire.salt).ok_or_else(|| field("salt"))?;
    let certificate = |one: Any| one.to_der().map_err(|_| RecordFault::Field { name: "certificates" });
    let secret = |one: WireSecret| {
        let kind = SecretKind::ALL.get(usize::from(one.kind)).copied();
        Some(WrappedSecret {
            kind: kind?,
            wrapped_by: one.wrapped_by,
            octets: one.octets.as_bytes().to_vec(),
        })
    };
    let device = DeliveredDevice {
        title: fixed(&wire.title).map(SystemTitle::new).ok_or_else(|| field("systemTitle"))?,
        serial_number: wire.serial_number,
        model: wire.model,
        firmware: wire.firmware,
        batch: wire.batch,
        region: shard(wire.region, "region")?,
        concentrator: shard(wire.concentrator, "concentrator")?,
        certificates: wire.certificates.into_iter().map(certificate).collect::<Result<_, _>>()?,
        secrets: wire
            .secrets
            .into_iter()
            .map(secret)
            .collect::<Option<_>>()
            .ok_or_else(|| field("secrets"))?,
    };
    check_fields(&device)?;
    Ok(device)
}

/// The number by which a file knows a kind of secret.
fn number_of(kind: SecretKind) -> u8 {
    let place = SecretKind::ALL.iter().position(|one| *one == kind);
    place.and_then(|place| u8::try_from(place).ok()).unwrap_or(u8::MAX)
}

fn check_fields(device: &DeliveredDevice) -> Result<(), RecordFault> {
    let texts = [
        ("serialNumber", &device.serial_number),
        ("model", &device.model),
        ("firmware", &device.firmware),
        ("batch", &device.batch),
    ];
    let secret = |secret: &WrappedSecret| {
        is_label(&secret.wrapped_by) && (1..=MAX_WRAPPED_OCTETS).contains(&secret.octets.len())
    };
    let secrets = device.secrets.len() > MAX_OF_EACH || !device.secrets.iter().all(secret);
    let wrong = texts
        .map(|(name, text)| (name, !is_text(text)))
        .into_iter()
        .chain([("certificates", device.certificates.len() > MAX_OF_EACH), ("secrets", secrets)])
        .find_map(|(name, is_wrong)| is_wrong.then_some(name));
    wrong.map_or(Ok(()), |name| Err(RecordFault::Field { name }))
}

/// Checks that every certificate can be read and is the device's own, and that every secret is under a key that is listed.
pub(crate) fn judge(device: &DeliveredDevice, is_listed: impl Fn(&str) -> bool) -> Result<(), RecordFault> {
    for (place, der) in device.certificates.iter().enumerate() {
        let number = place.saturating_add(1);
        let certificate =
            Certificate::from_der(der).map_err(|cause| RecordFault::Certificate { number, cause })?;
        let found = certificate.system_title();
        if found != Some(device.title) {
            return Err(RecordFault::OtherTitle { number, found });
        }
    }
    match device.secrets.iter().find(|secret| !is_listed(&secret.wrapped_by)) {
        Some(secret) => Err(RecordFault::UnlistedKey { label: secret.wrapped_by.clone() }),
        None => Ok(()),
    }
}

/// What is wrong with the record of a device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordFault {
    /// Not DER of a record.
    #[error("is not DER of a device record (octet {})", position.unwrap_or_default())]
    NotDer {
        /// Where the decoder stopped, in octets.
        position: Option<u32>,
    },
    /// A field has a value that it must not have.
    #[error("has a wrong value in {name}")]
    Field {
        /// Its name in the ASN.1 definition.
        name: &'static str,
    },
    /// Longer than a record may be.
    #[error("has {octets} octets, more than 65536")]
    TooLong {
        /// How many it has.
        octets: usize,
    },
    /// What should be a certificate is no DER object.
    #[error("has a certificate, number {number}, that is not DER")]
    NotCertificate {
        /// Which of its certificates, from 1.
        number: usize,
    },
    /// A certificate cannot be read.
    #[error("has a certificate, number {number}, that is not one of ours: {cause}")]
    Certificate {
        /// Which of its certificates, from 1.
        number: usize,
        /// What is wrong with it.
        cause: CertificateError,
    },
    /// A certificate belongs to another device, or to none.
    #[error("has a certificate, number {number}, of {}", found.map_or_else(|| "no device".to_owned(), |title| title.to_string()))]
    OtherTitle {
        /// Which of its certificates, from 1.
        number: usize,
        /// Whose it is.
        found: Option<SystemTitle>,
    },
    /// A secret is wrapped under a key that the header does not carry.
    #[error("has a secret under the transport key {label}, which the header does not carry")]
    UnlistedKey {
        /// The label.
        label: String,
    },
}

impl RecordFault {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotDer { .. } | Self::Field { .. } | Self::TooLong { .. } => "shipment.record",
            Self::NotCertificate { .. } | Self::Certificate { .. } => "shipment.certificate",
            Self::OtherTitle { .. } => "shipment.other-title",
            Self::UnlistedKey { .. } => "shipment.unlisted-key",
        }
    }
}
