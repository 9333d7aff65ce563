//! What an answer is worth: each call has one awaited answer, and everything else has a reason code and a next step.

use ca_core::certificate::Certificate;
use ca_core::csr::{CertificationRequest, CsrError};
use ca_core::serial_number::SerialNumber;
use ca_core::subject::Subject;
use ca_core::suite::Curve;
use ca_core::system_title::SystemTitle;

use super::answer::value;
use super::{AnswerError, Call, IssuedCertificate, Reply, Task};
use crate::axdr::Data;
use crate::security_setup::{
    Attribute, CertificateEntry, MeterKey, SecurityPolicy, SetupError, octet_string, read_certificates,
};

/// Whose key this is, if it is known: called with the SHA-256 of its SubjectPublicKeyInfo.
///
/// A caller who asks again for a request that it has seen already leaves that one out.
pub type KnownKeys<'a> = &'a dyn Fn(&[u8; 32]) -> Option<KnownKey>;

/// A key that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownKey {
    /// The device that has it.
    pub title: SystemTitle,
    /// What it is for; nothing for one that no meter makes, such as a head-end's.
    pub key: Option<MeterKey>,
}

/// What an answer brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The meter has done it.
    Done,
    /// The meter's request for a new key: its possession is proved, subject, curve and key are right.
    Request(Box<CertificationRequest>),
    /// The meter shows the certificate that was issued: the import is in force.
    Confirmed,
    /// Which certificates the meter has.
    Certificates(Vec<CertificateEntry>),
    /// Attribute 2.
    Policy(SecurityPolicy),
    /// Attribute 3, which is the suite of the addressee.
    Suite(u8),
    /// Attribute 4, or attribute 5, which is the title of the addressee.
    Title(SystemTitle),
}

impl Call {
    /// Judges a reply to this call, which is the one that is awaited.
    ///
    /// # Errors
    /// [`JudgeError`].
    pub fn judge(&self, reply: &Reply, known: KnownKeys<'_>) -> Result<Outcome, JudgeError> {
        if reply.call != self.number() {
            return Err(JudgeError::OutOfOrder { awaited: self.number(), answered: reply.call });
        }
        let value = value(self, &reply.answer)?;
        match self.task() {
            Task::GenerateRequest(key) => {
                let value = returned(value)?;
                let der = octet_string(&value, "a certification request")?;
                let request = judge_request(self, *key, der, known)?;
                Ok(Outcome::Request(Box::new(request)))
            }
            Task::Confirm(issued) => {
                let value = returned(value)?;
                compare(issued, octet_string(&value, "an exported certificate")?).map(|()| Outcome::Confirmed)
            }
            Task::Read(attribute) => self.judge_attribute(*attribute, &returned(value)?),
            Task::Activate(_)
            | Task::TransferKeys(_)
            | Task::GenerateKeyPair(_)
            | Task::ImportOwn(_)
            | Task::ImportAuthority(_)
            | Task::ImportClient(_)
            | Task::Remove(_) => match value {
                None | Some(Data::Null) => Ok(Outcome::Done),
                Some(data) => Err(JudgeError::UnexpectedReturn { found: data.type_name() }),
            },
        }
    }

    fn judge_attribute(&self, attribute: Attribute, data: &Data) -> Result<Outcome, JudgeError> {
        Ok(match attribute {
            Attribute::SecurityPolicy => Outcome::Policy(Attribute::read_policy(data)?),
            Attribute::SecuritySuite => {
                let (found, wanted) = (Attribute::read_suite(data)?, self.addressee().suite.number());
                if found != wanted {
                    return Err(JudgeError::OtherSuite { found, wanted });
                }
                Outcome::Suite(found)
            }
            Attribute::ClientSystemTitle => Outcome::Title(Attribute::read_title(data)?),
            Attribute::ServerSystemTitle => {
                let (found, wanted) = (Attribute::read_title(data)?, self.addressee().title);
                if found != wanted {
                    return Err(JudgeError::OtherMeter { found, wanted });
                }
                Outcome::Title(found)
            }
            Attribute::Certificates => Outcome::Certificates(read_certificates(data)?),
        })
    }

    /// Says what to do about an answer that was not the awaited one.
    #[must_use]
    pub const fn remedy(&self, error: &JudgeError) -> Remedy {
        match error {
            JudgeError::OutOfOrder { .. } => Remedy::AwaitTheOther,
            JudgeError::Answer(error) => self.remedy_of_answer(error),
            JudgeError::Request(RequestFault::KeyNotNew) | JudgeError::NothingReturned => Remedy::BeginAgain,
            JudgeError::OtherCertificate { .. } => Remedy::ImportAgain,
            JudgeError::Request(_)
            | JudgeError::Value(_)
            | JudgeError::UnexpectedReturn { .. }
            | JudgeError::OtherMeter { .. }
            | JudgeError::OtherSuite { .. } => Remedy::Stop,
        }
    }

    const fn remedy_of_answer(&self, error: &AnswerError) -> Remedy {
        match error {
            // What the meter did is not known.
            AnswerError::Nothing | AnswerError::Blocks(_) | AnswerError::Unreadable(_) => match self.task() {
                Task::ImportOwn(_) => Remedy::Confirm,
                Task::TransferKeys(_) => Remedy::TryBothKeys,
                Task::Activate(_)
                | Task::GenerateKeyPair(_)
                | Task::GenerateRequest(_)
                | Task::ImportAuthority(_)
                | Task::ImportClient(_)
                | Task::Confirm(_)
                | Task::Remove(_)
                | Task::Read(_) => Remedy::SendAgain,
            },
            AnswerError::Refused(result) if result.0 == 2 => Remedy::SendAgain,
            AnswerError::ReadRefused(result) if result.0 == 2 => Remedy::SendAgain,
            AnswerError::OtherApdu | AnswerError::OtherInvokeId { .. } => Remedy::AwaitTheOther,
            AnswerError::Exception(_) | AnswerError::Refused(_) | AnswerError::ReadRefused(_) => Remedy::Stop,
        }
    }
}

/// What to do next about an answer that was not the awaited one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Send the same call again: doing it twice does no harm.
    SendAgain,
    /// The reply is to another call; go on waiting for this one's.
    AwaitTheOther,
    /// Whether the import is in force is not known: go on to the confirmation, and import again if it shows another one.
    Confirm,
    /// Import the certificate again, then confirm.
    ImportAgain,
    /// Whether the keys were taken is not known: try the new ones first, then those of before.
    TryBothKeys,
    /// Begin again with a new key pair.
    BeginAgain,
    /// A person must look at it.
    Stop,
}

impl Remedy {
    /// Returns the stable word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SendAgain => "send-again",
            Self::AwaitTheOther => "await-the-other",
            Self::Confirm => "confirm",
            Self::ImportAgain => "import-again",
            Self::TryBothKeys => "try-both-keys",
            Self::BeginAgain => "begin-again",
            Self::Stop => "stop",
        }
    }
}

pub(super) fn returned(value: Option<Data>) -> Result<Data, JudgeError> {
    value.ok_or(JudgeError::NothingReturned)
}

fn judge_request(
    call: &Call,
    key: MeterKey,
    der: &[u8],
    known: KnownKeys<'_>,
) -> Result<CertificationRequest, RequestFault> {
    let request = CertificationRequest::from_der(der).map_err(RequestFault::Unreadable)?;
    let wanted = call.addressee().title;
    let subject = Subject::read(request.subject(), request.content().alternative_names()).ok();
    let title = subject.as_ref().and_then(Subject::system_title).copied();
    if title != Some(wanted) {
        return Err(RequestFault::OtherTitle { title, wanted });
    }
    let curves = (request.public_key().curve(), call.addressee().suite.curve());
    if curves.0 != curves.1 {
        return Err(RequestFault::OtherCurve { curve: curves.0, wanted: curves.1 });
    }
    request.prove_possession().map_err(|_| RequestFault::NotPossessed)?;
    match known(&request.public_key().fingerprint()) {
        None => Ok(request),
        Some(owner) if owner.title != wanted => Err(RequestFault::KeyOfAnotherDevice { owner: owner.title }),
        Some(owner) if owner.key != Some(key) => Err(RequestFault::KeyOfAnotherType { kind: owner.key }),
        Some(_) => Err(RequestFault::KeyNotNew),
    }
}

/// The meter must show what was issued, octet for octet.
fn compare(issued: &IssuedCertificate, der: &[u8]) -> Result<(), JudgeError> {
    if der == issued.certificate().der() {
        return Ok(());
    }
    let shown = Certificate::from_der(der).ok().map(|shown| shown.serial().clone());
    Err(JudgeError::OtherCertificate { shown, issued: issued.certificate().serial().clone() })
}

/// Why an answer is not the awaited one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JudgeError {
    /// The reply is to another call than the awaited one.
    #[error("the reply is to call {answered}, and call {awaited} is the next one")]
    OutOfOrder {
        /// The number of the call that is awaited.
        awaited: u16,
        /// The number in the reply.
        answered: u16,
    },
    /// The answer says no success, or nothing that can be read.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// The call succeeded and should have returned something.
    #[error("the meter answers success, and returns nothing")]
    NothingReturned,
    /// Something was returned where nothing is.
    #[error("the meter returns {found} where nothing is returned")]
    UnexpectedReturn {
        /// Of which type.
        found: &'static str,
    },
    /// The returned value is not of the type that the method or attribute has.
    #[error(transparent)]
    Value(#[from] SetupError),
    /// The certification request is not to be worked with.
    #[error(transparent)]
    Request(#[from] RequestFault),
    /// The meter shows another certificate than was issued for the key.
    #[error("the meter shows {}, not {issued}, which was issued", shown.as_ref().map_or_else(|| "no certificate that can be read".to_owned(), |serial| format!("the certificate {serial}")))]
    OtherCertificate {
        /// Which it shows, if it is one.
        shown: Option<SerialNumber>,
        /// Which was issued.
        issued: SerialNumber,
    },
    /// Another meter answers.
    #[error("the meter says that it is {found}, not {wanted}")]
    OtherMeter {
        /// Which it is.
        found: SystemTitle,
        /// Which it should be.
        wanted: SystemTitle,
    },
    /// The meter works in another suite.
    #[error("the meter is in suite {found}, not in suite {wanted}")]
    OtherSuite {
        /// Which one.
        found: u8,
        /// Which it should be.
        wanted: u8,
    },
}

impl JudgeError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::OutOfOrder { .. } => "dlms.out_of_order",
            Self::Answer(error) => error.code(),
            Self::NothingReturned => "dlms.nothing_returned",
            Self::UnexpectedReturn { .. } => "dlms.unexpected_return",
            Self::Value(_) => "dlms.other_value",
            Self::Request(fault) => fault.code(),
            Self::OtherCertificate { .. } => "dlms.other_certificate",
            Self::OtherMeter { .. } => "dlms.other_meter",
            Self::OtherSuite { .. } => "dlms.other_suite",
        }
    }
}

/// Why a meter's certification request is not to be worked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestFault {
    /// It cannot be read.
    #[error("the meter's request: {0}")]
    Unreadable(CsrError),
    /// Its subject is another device, or none.
    #[error("the request is of {}, not of {wanted}", title.map_or_else(|| "no device".to_owned(), |title| title.to_string()))]
    OtherTitle {
        /// Whose it is.
        title: Option<SystemTitle>,
        /// Whose it should be.
        wanted: SystemTitle,
    },
    /// Its key is of another suite.
    #[error("the request has a {curve} key, and the meter's suite has {wanted} keys")]
    OtherCurve {
        /// Which it has.
        curve: Curve,
        /// Which it should have.
        wanted: Curve,
    },
    /// Its signature does not prove possession of its key.
    #[error("the request's signature does not prove possession of its key")]
    NotPossessed,
    /// Its key is another device's.
    #[error("the request's key is one of {owner}")]
    KeyOfAnotherDevice {
        /// Whose.
        owner: SystemTitle,
    },
    /// Its key is one of this device for another purpose.
    #[error("the request's key is the device's key for {}", kind.map_or("another purpose", MeterKey::name))]
    KeyOfAnotherType {
        /// For which, if it is one of a meter's.
        kind: Option<MeterKey>,
    },
    /// Its key is the one that the device has for this purpose already: it made no new one.
    #[error("the request's key is not new")]
    KeyNotNew,
}

impl RequestFault {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "dlms.request_unreadable",
            Self::OtherTitle { .. } => "dlms.other_title",
            Self::OtherCurve { .. } => "dlms.other_curve",
            Self::NotPossessed => "dlms.not_possessed",
            Self::KeyOfAnotherDevice { .. } => "dlms.key_of_another_device",
            Self::KeyOfAnotherType { .. } => "dlms.key_of_another_type",
            Self::KeyNotNew => "dlms.key_not_new",
        }
    }
}
