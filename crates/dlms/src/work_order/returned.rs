//! What a call returned, unjudged: for whoever has to know what a meter shows instead of what it should.

use super::answer::value;
use super::judge::returned;
use super::{Answer, Call, JudgeError};
use crate::security_setup::octet_string;

impl Call {
    /// Returns the octet-string that a successful answer to this call carries.
    ///
    /// # Errors
    /// [`JudgeError`] where the answer is none that says success, or carries none.
    pub fn returned_octets(&self, answer: &Answer) -> Result<Vec<u8>, JudgeError> {
        Ok(octet_string(&returned(value(self, answer)?)?, "what the call returned")?.to_vec())
    }
}
