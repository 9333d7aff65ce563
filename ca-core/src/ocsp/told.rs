//! What a `ResponseData` says that is about to be signed, read back from its octets (RFC 6960 §4.2.1).
//!
//! For whoever signs and has not drafted: by which key, when, and of which certificates. Which status is told is not looked at.

use der::{Decode, Encode};

use super::cert_id::CertId;
use super::malformed::DecodeRequestError;
use super::response_data::ResponseData;
use crate::key_ref::KeyRef;
use crate::validity::UnixTime;

/// A response as its to-be-signed octets tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldResponse {
    responder: KeyRef,
    produced_at: UnixTime,
    certificates: Vec<CertId>,
}

impl ToldResponse {
    /// Reads a DER `ResponseData` of version 1 whose responder is named by its key.
    ///
    /// # Errors
    /// [`DecodeRequestError`].
    pub fn from_der(der: &[u8]) -> Result<Self, DecodeRequestError> {
        let data = ResponseData::from_der(der)?;
        let responder = <[u8; 20]>::try_from(data.by_key.as_bytes())
            .map_err(|_| DecodeRequestError::NotDer { position: None })?;
        let seconds = data.produced_at.to_unix_duration().as_secs();
        let certificates = data
            .responses
            .iter()
            .map(|single| CertId::from_der(&single.cert_id.to_der()?))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            responder: KeyRef::new(responder),
            produced_at: UnixTime::from_seconds(i64::try_from(seconds).unwrap_or(i64::MAX)),
            certificates,
        })
    }

    /// Returns the key that it says signs it.
    #[must_use]
    pub const fn responder(&self) -> KeyRef {
        self.responder
    }

    /// Returns when it says that it was produced.
    #[must_use]
    pub const fn produced_at(&self) -> UnixTime {
        self.produced_at
    }

    /// Returns the certificates that it tells the status of.
    #[must_use]
    pub fn certificates(&self) -> &[CertId] {
        &self.certificates
    }
}
