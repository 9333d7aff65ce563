//! The JSON that DLMS tools exchange with a certificate service: certification requests with their keyUsage, and certificates.
//!
//! No standard has it; it is what the tools in the field write and how they read. They look for the first `[` of an answer and
//! take the texts behind it in quotation marks, in the order of their requests: so nothing stands before it but one member name,
//! and no space anywhere.

use serde::{Deserialize, Serialize};

use ca_core::csr::CertificationRequest;
use ca_core::profile::KeyPurpose;

use super::base64::BodyForm;
use super::bulk::{ItemError, request};

/// The media type both ways.
pub(crate) const MEDIA_TYPE: &str = "application/json";
/// The most certificates in one request: a meter has three kinds, and a tool asks for few devices at a time.
const MAX_WISHES: usize = 64;
/// More values than a wish has: three members, a list, and some that are read over.
const VALUES_OF_A_WISH: usize = 8;

/// A certificate that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// What its key is for.
    pub purpose: KeyPurpose,
    /// The certification request.
    pub csr: CertificationRequest,
    /// How it was written.
    pub form: BodyForm,
}

/// Both forms in use: a list of requests, or one keyUsage for all requests.
#[derive(Deserialize)]
#[serde(untagged)]
enum Order {
    Listed {
        #[serde(rename = "Certificates")]
        certificates: Vec<OneLine>,
    },
    Single(OneLine),
}

/// `ExtendedKeyUsage` (1 server, 2 client, 3 both) is read over: what TLS certificates are for is said by their profile.
#[derive(Deserialize)]
struct OneLine {
    #[serde(rename = "KeyUsage")]
    key_usage: u16,
    #[serde(rename = "CSR")]
    csr: Csr,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Csr {
    One(String),
    Many(Vec<String>),
}

/// Reads a request.
///
/// # Errors
/// [`OrderError`].
pub fn read(body: &[u8]) -> Result<Vec<Wish>, OrderError> {
    // Tools write printable ASCII; of other characters the decoder would write an error six times as long.
    if !body.iter().all(|octet| matches!(octet, b'\t' | b'\r' | b'\n' | b' '..=b'~')) {
        return Err(OrderError::NotAnOrder);
    }
    // A value of two octets becomes an object of tens: they are counted first. Nothing in base64 looks like the mark of one.
    let values = body.iter().filter(|octet| matches!(octet, b',' | b'[' | b'{')).count();
    if values > MAX_WISHES * VALUES_OF_A_WISH {
        return Err(OrderError::Count { wishes: values / VALUES_OF_A_WISH });
    }
    let lines = match serde_json::from_slice(body).map_err(|_| OrderError::NotAnOrder)? {
        Order::Listed { certificates } => certificates,
        Order::Single(one) => vec![one],
    };
    let mut texts = Vec::new();
    for line in lines {
        let purpose = purpose(line.key_usage)?;
        match line.csr {
            Csr::One(text) => texts.push((purpose, text)),
            Csr::Many(many) => texts.extend(many.into_iter().map(|text| (purpose, text))),
        }
    }
    if !(1..=MAX_WISHES).contains(&texts.len()) {
        return Err(OrderError::Count { wishes: texts.len() });
    }
    let read_one = |(place, (purpose, text)): (usize, (KeyPurpose, String))| {
        let (csr, form) =
            request(text.as_bytes()).map_err(|cause| OrderError::Request { number: place + 1, cause })?;
        Ok(Wish { purpose, csr, form })
    };
    texts.into_iter().enumerate().map(read_one).collect()
}

/// digitalSignature is 1 and keyAgreement 16, as the tools number the bits.
const fn purpose(key_usage: u16) -> Result<KeyPurpose, OrderError> {
    match key_usage {
        1 => Ok(KeyPurpose::Signature),
        16 => Ok(KeyPurpose::KeyAgreement),
        17 => Ok(KeyPurpose::Tls),
        key_usage => Err(OrderError::KeyUsage { key_usage }),
    }
}

#[derive(Serialize)]
struct Certificates {
    #[serde(rename = "Certificates")]
    certificates: Vec<String>,
}

/// Writes the answer.
///
/// # Errors
/// What the encoder says.
pub(crate) fn write(certificates: Vec<String>) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Certificates { certificates })
}

/// Why a body is no request of such a tool.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// It is not JSON, or lacks a member.
    #[error("the body is not JSON with Certificates, or with KeyUsage and CSR")]
    NotAnOrder,
    /// A keyUsage that no DLMS certificate has.
    #[error("KeyUsage is 1, 16 or 17, not {key_usage}")]
    KeyUsage {
        /// The number.
        key_usage: u16,
    },
    /// None, or too many.
    #[error("1 to {MAX_WISHES} certificates may be asked for, not {wishes}")]
    Count {
        /// How many.
        wishes: usize,
    },
    /// A certification request is wrong.
    #[error("request {number}: {cause}")]
    Request {
        /// Which, from 1.
        number: usize,
        /// Why.
        cause: ItemError,
    },
}

impl OrderError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotAnOrder => "dlms.malformed",
            Self::KeyUsage { .. } => "dlms.key-usage",
            Self::Count { .. } => "dlms.count",
            Self::Request { cause, .. } => cause.code(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_values_than_64_wishes_have_are_counted_and_not_read() {
        let filled = |count: usize| {
            let list = vec!["\"x\""; count].join(",");
            read(format!("{{\"KeyUsage\":1,\"CSR\":[{list}]}}").as_bytes())
        };
        assert_eq!(filled(400), Err(OrderError::Count { wishes: 400 }), "read, and too many");
        assert_eq!(filled(20_000), Err(OrderError::Count { wishes: 2_500 }), "by the commas");
    }

    #[test]
    fn only_printable_ascii_is_read() {
        for text in ["\u{7F}", "\u{80}", "\u{FEFF}", "\0"] {
            let order = format!("{{\"Note\":\"{text}\",\"KeyUsage\":1,\"CSR\":[]}}");
            assert_eq!(read(order.as_bytes()), Err(OrderError::NotAnOrder), "{text:?}");
        }
        let order = "{\"Note\":\"\\u00e4\",\r\n\t\"KeyUsage\":1,\"CSR\":[]}";
        assert_eq!(read(order.as_bytes()), Err(OrderError::Count { wishes: 0 }));
    }

    #[test]
    fn an_answer_is_compact_and_its_first_bracket_opens_the_list() {
        let answer = write(vec!["MIIB".to_owned(), "MIIC".to_owned()]).unwrap();
        assert_eq!(answer, br#"{"Certificates":["MIIB","MIIC"]}"#);
    }

    #[test]
    fn refuses_what_no_tool_sends() {
        let code = |body: &str| read(body.as_bytes()).unwrap_err().code();
        assert_eq!(code(""), "dlms.malformed");
        assert_eq!(code("{}"), "dlms.malformed");
        assert_eq!(code(r#"{"Certificates":[]}"#), "dlms.count");
        assert_eq!(code(r#"{"KeyUsage":1,"CSR":[]}"#), "dlms.count");
        assert_eq!(code(r#"{"KeyUsage":-1,"CSR":"MAA="}"#), "dlms.malformed");
        assert_eq!(code(r#"{"KeyUsage":2,"CSR":"MAA="}"#), "dlms.key-usage");
        assert_eq!(code(r#"{"KeyUsage":96,"CSR":"MAA="}"#), "dlms.key-usage");
        assert_eq!(code(r#"{"Certificates":[{"KeyUsage":1,"CSR":"?"}]}"#), "item.not-base64");
        let many = vec![r#"{"KeyUsage":1,"CSR":"MAA="}"#; 65].join(",");
        assert_eq!(code(&format!(r#"{{"Certificates":[{many}]}}"#)), "dlms.count");
        assert_eq!(code(&"[".repeat(500)), "dlms.malformed", "no depth is too deep");
        assert_eq!(code(&"[".repeat(60_000)), "dlms.count");
    }
}
