//! Answers that a server must not take, or that must raise an alarm.

use ca_core::system_title::SystemTitle;
use dlms::meter::{Fault, PlannedFault};

use super::{CallAnswer, CallOrder};

/// The numbers of the methods at which a meter's own answer is a wrong one.
const GENERATE_REQUEST: i8 = 5;
const EXPORT: i8 = 7;

/// What is wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrongAnswer {
    /// The answer to another call: its invoke-id is another one.
    OtherCall,
    /// It is brought under the number of a call that was never given.
    OtherNumber,
    /// The last two octets are missing. The very last alone may be, where nothing is returned: meters exist that leave it out.
    CutOff,
    /// The certification request is another meter's.
    OtherMeter,
    /// The certificate that is shown is another meter's.
    OtherCertificate,
}

impl WrongAnswer {
    /// Chooses what is wrong with the answer to a call.
    pub(super) fn of(drawn: u64, order: &CallOrder) -> Self {
        match drawn % 4 {
            _ if order.apdus.is_empty() => Self::OtherNumber,
            0 => Self::OtherCall,
            1 => Self::CutOff,
            2 if order.is_request() => Self::OtherMeter,
            _ => Self::OtherNumber,
        }
    }

    /// What goes wrong in the meter itself, if it is there that it goes wrong.
    pub(super) fn planned(
        self,
        other: SystemTitle,
        certificate: impl FnOnce() -> Option<Vec<u8>>,
    ) -> Option<PlannedFault> {
        let (method, fault) = match self {
            Self::OtherMeter => (GENERATE_REQUEST, Fault::NameInRequest(other)),
            Self::OtherCertificate => (EXPORT, Fault::ShowCertificate(certificate()?)),
            Self::OtherCall | Self::OtherNumber | Self::CutOff => return None,
        };
        Some(PlannedFault { method, after: 0, fault })
    }

    /// Makes the wrong answer of the right one.
    pub(super) fn made_of(self, right: CallAnswer) -> CallAnswer {
        let mut answer = CallAnswer { wrong: Some(self), ..right };
        match self {
            Self::OtherCall => {
                for apdu in &mut answer.apdus {
                    *apdu = with_other_invoke_id(apdu);
                }
            }
            Self::OtherNumber => answer.turn = answer.turn.saturating_add(1),
            Self::CutOff => {
                if let Some(last) = answer.apdus.last_mut() {
                    last.truncate(last.len().saturating_sub(4));
                }
            }
            Self::OtherMeter | Self::OtherCertificate => {}
        }
        answer
    }

    /// Tells whether a server must refuse it; the others it takes, and has a person look at them.
    #[must_use]
    pub const fn is_refused(self) -> bool {
        match self {
            Self::OtherCall | Self::OtherNumber | Self::CutOff | Self::OtherMeter => true,
            Self::OtherCertificate => false,
        }
    }
}

/// Changes the lowest bit of Invoke-Id-And-Priority: the third octet of every response, behind tag and choice; hexadecimal.
fn with_other_invoke_id(apdu: &str) -> String {
    let mut digits = String::with_capacity(apdu.len());
    for (at, digit) in apdu.chars().enumerate() {
        let changed =
            digit.to_digit(16).filter(|_| at == 5).and_then(|value| char::from_digit(value ^ 1, 16));
        digits.push(changed.unwrap_or(digit));
    }
    digits
}
