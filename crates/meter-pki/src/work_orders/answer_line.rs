//! One meter's answers, as a head-end gives them back.

use ca_core::system_title::SystemTitle;
use dlms::work_order::{Answer, Reply};
use serde::{Deserialize, Serialize};

use super::{LineError, MAX_CALLS};

/// What one meter answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerLine {
    /// What the order is called.
    pub order: String,
    /// The meter.
    pub system_title: String,
    /// The answers in the order of their calls. Calls behind the first that did not succeed are not made and left out.
    pub answers: Vec<AnswerText>,
}

/// An answer: exactly one of `apdus`, `result` and `lost`. Octets are hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerText {
    /// The number of the call.
    pub call: u16,
    /// The meter's APDUs, deciphered, in their order; those that only ask for the next block may be left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apdus: Option<Vec<String>>,
    /// Action-Result or Data-Access-Result as a number, from a head-end whose own DLMS stack read the APDUs: 0 is success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<u8>,
    /// With `result`: the returned value, or that of the attribute, as A-XDR.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned: Option<String>,
    /// `true`: nothing came in time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost: Option<bool>,
}

impl AnswerLine {
    /// Writes down replies, as a head-end does.
    #[must_use]
    pub fn new(order: &str, title: SystemTitle, replies: &[Reply]) -> Self {
        let answers = replies.iter().map(AnswerText::new).collect();
        Self { order: order.to_owned(), system_title: title.to_string(), answers }
    }

    /// Returns the meter.
    ///
    /// # Errors
    /// [`LineError::Title`].
    pub fn title(&self) -> Result<SystemTitle, LineError> {
        SystemTitle::parse(&self.system_title).map_err(LineError::Title)
    }

    /// Returns the replies, to be judged in this order.
    ///
    /// # Errors
    /// [`LineError::Answer`] for one that is not in exactly one of the three forms, or has other characters than digits.
    pub fn replies(&self) -> Result<Vec<Reply>, LineError> {
        self.answers.iter().map(AnswerText::reply).collect()
    }

    pub(super) const fn check(&self) -> Result<(), LineError> {
        match (self.order.len(), self.answers.len()) {
            (1..=128, ..=MAX_CALLS) => Ok(()),
            (1..=128, calls) => Err(LineError::TooManyCalls { calls }),
            (octets, _) => Err(LineError::OrderName { octets }),
        }
    }
}

impl AnswerText {
    fn new(reply: &Reply) -> Self {
        let mut text = Self { call: reply.call, ..Self::default() };
        match &reply.answer {
            Answer::Apdus(apdus) => text.apdus = Some(apdus.iter().map(hex::encode_upper).collect()),
            Answer::Result { result, returned } => {
                text.result = Some(*result);
                text.returned = returned.as_ref().map(hex::encode_upper);
            }
            Answer::Nothing => text.lost = Some(true),
        }
        text
    }

    fn reply(&self) -> Result<Reply, LineError> {
        let wrong = || LineError::Answer { call: self.call };
        let octets = |text: &String| hex::decode(text).map_err(|_| wrong());
        let answer = match (&self.apdus, self.result, &self.returned, self.lost) {
            (Some(apdus), None, None, None) => {
                Answer::Apdus(apdus.iter().map(octets).collect::<Result<_, _>>()?)
            }
            (None, Some(result), returned, None) => {
                Answer::Result { result, returned: returned.as_ref().map(octets).transpose()? }
            }
            (None, None, None, Some(true)) => Answer::Nothing,
            _ => return Err(wrong()),
        };
        Ok(Reply { call: self.call, answer })
    }
}
