//! Whose fault an error is: the one question that alarms, retries and wire answers depend on.

/// Who has to act so that the same request can succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The requester: the request itself is wrong or not allowed. Repeating it does not help.
    Requester,
    /// Nobody: the request is at odds with what is on record, such as a slot that is taken.
    Conflict,
    /// A part of the system that cannot be reached now. Repeating the request later may help.
    Unavailable,
    /// Us: something that must not happen. Somebody is called.
    Ours,
}
