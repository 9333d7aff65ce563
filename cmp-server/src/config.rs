//! What the CMP server is told.

use std::sync::Arc;

use ca_core::ports::Entropy;

/// The most octets a message may have unless configured otherwise.
pub const DEFAULT_BODY_OCTETS: usize = 256 * 1024;

/// The configuration of a CMP server.
#[derive(Clone)]
pub struct CmpConfig {
    /// Randomness for nonces.
    pub entropy: Arc<dyn Entropy>,
    /// The most octets a message may have.
    pub max_body_octets: usize,
}

impl core::fmt::Debug for CmpConfig {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("CmpConfig").field("max_body_octets", &self.max_body_octets).finish_non_exhaustive()
    }
}
