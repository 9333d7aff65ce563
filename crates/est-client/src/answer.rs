//! What answers hold: certificates, CSR attributes, a key made by the server (RFC 7030 §4, RFC 8951 §3).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cms::content_info::ContentInfo;
use cms::signed_data::SignedData;
use cms_messages::enveloped::Envelope;
use der::{Decode, Encode};
use zeroize::Zeroizing;

use crate::error::EstError;

/// Decodes base64 in lines of any length (RFC 8951 §3.1); some servers put PEM armour around it.
pub(crate) fn decode(text: &[u8]) -> Result<Vec<u8>, EstError> {
    const NOT_BASE64: EstError = EstError::Answer("it is not base64");
    let text = core::str::from_utf8(text).map_err(|_| NOT_BASE64)?;
    let digits: String = text
        .lines()
        .filter(|line| !line.starts_with("-----"))
        .flat_map(str::chars)
        .filter(|digit| !digit.is_ascii_whitespace())
        .collect();
    STANDARD.decode(digits).map_err(|_| NOT_BASE64)
}

/// Returns the certificates of a certs-only message, each as its DER octets, in the order they stand.
pub(crate) fn certificates(der: &[u8]) -> Result<Vec<Vec<u8>>, EstError> {
    const NOT_CMS: EstError = EstError::Answer("it is not a certs-only message");
    let content = ContentInfo::from_der(der).map_err(|_| NOT_CMS)?;
    let signed: SignedData = content.content.decode_as().map_err(|_| NOT_CMS)?;
    let set = signed.certificates.ok_or(NOT_CMS)?;
    set.0.iter().map(|one| one.to_der().map_err(|_| NOT_CMS)).collect()
}

/// RFC 7030 §4.2.3: the one certificate that was issued.
pub(crate) fn certificate(der: &[u8]) -> Result<Vec<u8>, EstError> {
    let mut all = certificates(der)?;
    match (all.pop(), all.is_empty()) {
        (Some(one), true) => Ok(one),
        (Some(_) | None, _) => Err(EstError::Answer("it holds another number of certificates than one")),
    }
}

/// A key made by the server, as it was delivered (RFC 7030 §4.4.2). Not printable on purpose.
pub enum DeliveredKey {
    /// As it is, within TLS: PKCS#8, DER.
    InTls(Zeroizing<Vec<u8>>),
    /// Encrypted for the client's own key.
    Enveloped(Box<Envelope>),
}

impl core::fmt::Debug for DeliveredKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("DeliveredKey")
    }
}

/// A key made by the server, with its certificate.
pub(crate) struct Made {
    /// The key.
    pub(crate) key: DeliveredKey,
    /// DER.
    pub(crate) certificate: Vec<u8>,
}

/// RFC 7030 §4.4.2: two parts in any order, one the key, one the certificate.
pub(crate) fn key_and_certificate(media_type: &str, body: &[u8]) -> Result<Made, EstError> {
    const NOT_TWO: EstError = EstError::Answer("it is not a key and a certificate in two parts");
    let boundary = media_type
        .split(';')
        .filter_map(|parameter| parameter.trim().strip_prefix("boundary="))
        .map(|value| value.trim_matches('"'))
        .next()
        .ok_or(NOT_TWO)?;
    let text = Zeroizing::new(core::str::from_utf8(body).map_err(|_| NOT_TWO)?.to_owned());
    let marker = format!("--{boundary}");
    let (mut key, mut certificates) = (None, None);
    for part in text.split(marker.as_str()).skip(1).filter(|part| !part.starts_with("--")) {
        let (head, content) = split_head(part).ok_or(NOT_TWO)?;
        let head = head.to_ascii_lowercase();
        let content = decode(content.as_bytes())?;
        if head.contains("application/pkcs8") {
            key = Some(DeliveredKey::InTls(Zeroizing::new(content)));
        } else if head.contains("smime-type=server-generated-key") {
            const NOT_SEALED: EstError = EstError::Answer("its key is not encrypted in a way that is known");
            let envelope = Envelope::from_content_info(&content).ok_or(NOT_SEALED)?;
            key = Some(DeliveredKey::Enveloped(Box::new(envelope)));
        } else if head.contains("application/pkcs7-mime") {
            certificates = Some(content);
        }
    }
    Ok(Made { key: key.ok_or(NOT_TWO)?, certificate: certificate(&certificates.ok_or(NOT_TWO)?)? })
}

/// RFC 2046 §5.1: an empty line ends the fields of a part.
fn split_head(part: &str) -> Option<(&str, &str)> {
    part.split_once("\r\n\r\n").or_else(|| part.split_once("\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_comes_in_lines_in_one_line_and_in_armour() {
        for text in ["AQID", "AQ\nID\n", "AQ\r\nID\r\n", "-----BEGIN PKCS7-----\nAQID\n-----END PKCS7-----\n"]
        {
            assert_eq!(decode(text.as_bytes()).unwrap(), [1, 2, 3], "{text}");
        }
        assert!(decode(b"AQI").is_err() && decode(b"\xFF").is_err());
    }

    #[test]
    fn two_parts_come_in_any_order_and_one_is_not_enough() {
        let key = "Content-Type: application/pkcs8\r\nContent-Transfer-Encoding: base64\r\n\r\nAQID\r\n";
        let only = format!("--b\r\n{key}--b--\r\n");
        assert!(key_and_certificate("multipart/mixed; boundary=b", only.as_bytes()).is_err());
        assert!(key_and_certificate("multipart/mixed", only.as_bytes()).is_err());
    }
}
