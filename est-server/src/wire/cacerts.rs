//! The body of the answer to `/cacerts` (RFC 7030 §4.1.3).
//!
//! Which certificates belong in it is the configuration's affair.

use super::base64::{self, LineLength};
use super::certs_only;

/// Encodes CA certificates, each given as its DER octets.
///
/// # Errors
/// What the DER codec says when one of them is not a DER object.
pub fn encode(certificates: &[&[u8]], length: LineLength) -> der::Result<String> {
    Ok(base64::encode(&certs_only::encode(certificates)?, length))
}
