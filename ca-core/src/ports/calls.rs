//! The port on calls that may be repeated.

use super::Unavailable;
use crate::record::{Call, CallAnswer, CallStanding};

/// Remembers calls of the operators' interface by the keys that their callers gave, each until its last second.
pub trait Calls: Send + Sync {
    /// Puts a call on record as begun, if none with its key is remembered; tells how it stood.
    ///
    /// # Errors
    /// [`Unavailable`]: nothing is on record.
    fn begin_call(&self, call: Call) -> Result<CallStanding, Unavailable>;

    /// Puts the answer to a call on record; without effect on one that is not remembered.
    ///
    /// # Errors
    /// [`Unavailable`]: the call stands as begun.
    fn answer_call(&self, key: [u8; 32], answer: CallAnswer) -> Result<(), Unavailable>;

    /// Forgets a call of which nothing was done.
    ///
    /// # Errors
    /// [`Unavailable`]: the call stands as begun.
    fn forget_call(&self, key: [u8; 32]) -> Result<(), Unavailable>;
}
