//! One meter's calls, as a head-end is given them.

use dlms::work_order::{Addressee, Call};
use serde::{Deserialize, Serialize};

use super::{LineError, MAX_CALLS};

/// The calls to one meter that are made one after another. The first that does not succeed ends them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderLine {
    /// What the order is called; comes back with the answers. 1 to 128 characters.
    pub order: String,
    /// The meter: 16 upper-case hexadecimal digits.
    pub system_title: String,
    /// The suite of its keys: 1 or 2.
    pub suite: u8,
    /// The logical name of its Security setup object, such as `0.0.43.0.0.255`.
    pub object: String,
    /// The calls in their order.
    pub calls: Vec<CallText>,
}

/// A call in octets and in words. Octets are hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallText {
    /// Its number, which the answer repeats.
    pub call: u16,
    /// The service: `action` or `get`.
    pub service: String,
    /// The number of the method or attribute.
    pub member: i8,
    /// The invoke-id in `apdus`: 0 to 15.
    pub invoke_id: u8,
    /// What is asked, for people.
    pub text: String,
    /// What comes back on success: `nothing`, `certification-request`, `certificate` or `value`.
    pub answer: String,
    /// The request in clear, as APDUs: one, or the blocks of an ACTION that is longer than the meter takes.
    pub apdus: Vec<String>,
    /// The method's parameter alone, as A-XDR, for head-ends whose own DLMS stack makes the APDU; absent for `get`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameter: Option<String>,
}

impl OrderLine {
    /// Writes down the calls to a meter.
    #[must_use]
    pub fn new(order: &str, addressee: &Addressee, calls: &[Call]) -> Self {
        Self {
            order: order.to_owned(),
            system_title: addressee.title.to_string(),
            suite: addressee.suite.number(),
            object: addressee.object.to_string(),
            calls: calls.iter().map(CallText::new).collect(),
        }
    }

    pub(super) const fn check(&self) -> Result<(), LineError> {
        match (self.order.len(), self.calls.len()) {
            (1..=128, ..=MAX_CALLS) => Ok(()),
            (1..=128, calls) => Err(LineError::TooManyCalls { calls }),
            (octets, _) => Err(LineError::OrderName { octets }),
        }
    }
}

impl CallText {
    fn new(call: &Call) -> Self {
        let parameter = call.parameter();
        Self {
            call: call.number(),
            service: if parameter.is_some() { "action" } else { "get" }.to_owned(),
            member: call.member(),
            invoke_id: call.invoke().number(),
            text: call.text(),
            answer: call.expected().name().to_owned(),
            apdus: call.apdus().iter().map(hex::encode_upper).collect(),
            parameter: parameter.map(hex::encode_upper),
        }
    }
}
