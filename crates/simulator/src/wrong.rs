//! Requests that no server may answer with a certificate.

use ca_core::suite::SecuritySuite;
use ca_core::system_title::SystemTitle;

use crate::key::{MeterKey, NoKey};

/// What is wrong with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// Its subject is another meter.
    OtherMeter,
    /// Its signature is not that of its key.
    NoProof,
    /// Its key is on the curve of the other suite.
    OtherCurve,
    /// It is not a certification request.
    NoRequest,
}

impl Wrong {
    pub(crate) const fn of(number: u64) -> Self {
        match number % 4 {
            0 => Self::OtherMeter,
            1 => Self::NoProof,
            2 => Self::OtherCurve,
            _ => Self::NoRequest,
        }
    }

    /// Makes such a request, DER where it is a request.
    pub(crate) fn request(self, title: &SystemTitle, suite: SecuritySuite) -> Result<Vec<u8>, NoKey> {
        match self {
            Self::OtherMeter => {
                let mut octets = *title.octets();
                if let Some(last) = octets.last_mut() {
                    *last ^= 0x80;
                }
                MeterKey::generate(suite)?.request(&SystemTitle::new(octets))
            }
            Self::NoProof => {
                let mut request = MeterKey::generate(suite)?.request(title)?;
                if let Some(last) = request.last_mut() {
                    *last ^= 1;
                }
                Ok(request)
            }
            Self::OtherCurve => {
                let other = match suite {
                    SecuritySuite::Suite1 => SecuritySuite::Suite2,
                    SecuritySuite::Suite2 => SecuritySuite::Suite1,
                };
                MeterKey::generate(other)?.request(title)
            }
            Self::NoRequest => Ok(title.octets().to_vec()),
        }
    }
}
