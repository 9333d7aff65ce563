//! Why a guided ceremony did not go on. Each says what to do; what was done before stays done, and stands in the transcript.

use std::io;
use std::path::PathBuf;

use ca_core::certificate::CertificateError;
use ca_core::crl::parsed::ReadCrlError;
use ca_core::ports::Unavailable;
use ceremony::bundle::draft::MakeBundleError;
use ceremony::bundle::tar::TarError;
use ceremony::file::CeremonyFileError;
use ceremony::file::act::FileNameError;
use ceremony::file::inputs::InputFault;
use ceremony::transcript::JournalError;
use ceremony::transcript::entry::SignEntryError;
use der::pem;

use signer_pkcs11::SurveyTokenError;

use super::beforehand::BeforehandError;
use super::network::NetworkError;
use super::originals::OriginalError;
use super::room::RoomError;
use super::soft_tokens::SoftTokenError;
use crate::ceremony::OpenRootError;
use crate::ceremony::certify::CertifyError;
use crate::ceremony::crl::SignCrlError;
use crate::ceremony::destruction::DestroyError;
use crate::ceremony::revocation::RevokeSubordinateError;
use crate::ceremony::root::FoundRootError;
use crate::ceremony::subordinate::SignSubordinateError;
use crate::charter::ChooseProfilesError;
use crate::exchange_log::ExchangeError;
use crate::explain::{Exit, Explained};
use crate::keys::UnlockError;
use crate::medium::MediumError;
use crate::new_file::{self, NewFileError};
use crate::person::PersonError;
use crate::refusal::{INCIDENT, sentence};

/// Why a guided ceremony did not go on.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GuidedError {
    /// A file or directory cannot be read.
    #[error("{path} cannot be read: {cause}", path = path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
    /// The ceremony file is not in order.
    #[error(transparent)]
    File(#[from] CeremonyFileError),
    /// Inputs are not there, or not those that were reviewed.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Inputs(Vec<InputFault>),
    /// The machine has a network.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// What was brought from before is not what the ceremony file means.
    #[error(transparent)]
    Beforehand(#[from] BeforehandError),
    /// Another ceremony was begun in the room and not ended.
    #[error("another ceremony was begun in this room and not closed: {path}", path = path.display())]
    AnotherIsOpen {
        /// Its directory.
        path: PathBuf,
    },
    /// The room does not answer.
    #[error(transparent)]
    Room(#[from] RoomError),
    /// The transcript is not written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A person did not sign.
    #[error(transparent)]
    NotSigned(#[from] SignEntryError),
    /// A person's key was not opened.
    #[error(transparent)]
    Person(#[from] PersonError),
    /// The key is somebody else's.
    #[error("the key in {file} is not the one that the ceremony file names for {name}", file = file.display())]
    NotThatPerson {
        /// Who.
        name: String,
        /// The key file.
        file: PathBuf,
    },
    /// The people broke the ceremony off.
    #[error("the ceremony was broken off: {why}")]
    Aborted {
        /// Why.
        why: String,
    },
    /// The ceremony is over.
    #[error("this ceremony is over: {path} holds all of it", path = path.display())]
    Over {
        /// Its directory.
        path: PathBuf,
    },
    /// Something was made otherwise than it was drafted.
    #[error("incident: {what}")]
    Incident {
        /// What.
        what: String,
    },
    /// Something is not what was reviewed.
    #[error("{what}")]
    NotAsReviewed {
        /// What.
        what: String,
    },
    /// A root of the file is not the one in the room.
    #[error("the root {name} in this room is not the one that the ceremony file means")]
    AnotherRoot {
        /// Its name.
        name: String,
    },
    /// A root that an act founds is there already.
    #[error("the root {name} is to be founded, and there is one of this name in the room")]
    RootExists {
        /// Its name.
        name: String,
    },
    /// This program does not do such an act.
    #[error("the guided run does not know how to do act {number}, {kind}")]
    UnknownAct {
        /// The number of the act.
        number: u32,
        /// Its kind.
        kind: &'static str,
    },
    /// An act was not done.
    #[error(transparent)]
    Act(Box<ActError>),
    /// What was made was not put in its place.
    #[error(transparent)]
    Output(#[from] OutputError),
}

/// Why an act was not done: what its verb says.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ActError {
    /// A root is not in order.
    #[error(transparent)]
    Root(#[from] OpenRootError),
    /// The keys of a root were not unlocked.
    #[error(transparent)]
    Unlock(#[from] UnlockError),
    /// No root was founded.
    #[error(transparent)]
    Found(#[from] FoundRootError),
    /// No CRL was signed.
    #[error(transparent)]
    Crl(#[from] SignCrlError),
    /// No sub-CA was signed.
    #[error(transparent)]
    Subordinate(#[from] SignSubordinateError),
    /// A peer was not certified, or a sub-CA not closed.
    #[error(transparent)]
    Certify(#[from] CertifyError),
    /// Keys were not destroyed.
    #[error(transparent)]
    Destroy(#[from] DestroyError),
    /// The token cannot be looked at.
    #[error(transparent)]
    Token(#[from] SurveyTokenError),
    /// Nothing was revoked.
    #[error(transparent)]
    Revoke(#[from] RevokeSubordinateError),
    /// The ledger of a root cannot answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The exchanges of a root are not in order.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The profiles cannot be had.
    #[error(transparent)]
    Profiles(#[from] ChooseProfilesError),
}

/// Why what was made was not put in its place.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutputError {
    /// An output is there already, and is another one.
    #[error("{path} is there already and holds other octets", path = path.display())]
    OutputDiffers {
        /// The file.
        path: PathBuf,
    },
    /// A name of an output cannot be made.
    #[error(transparent)]
    Name(#[from] FileNameError),
    /// A file was not written.
    #[error(transparent)]
    NotWritten(#[from] NewFileError),
    /// What waits to be signed cannot be read.
    #[error("what is to be signed cannot be read: {0}")]
    DraftCrl(#[source] ReadCrlError),
    /// The bundle was not made.
    #[error(transparent)]
    Bundle(#[from] MakeBundleError),
    /// The bundle does not fit into one file.
    #[error("the bundle: {0}")]
    Tar(#[from] TarError),
    /// What is to leave is not all public.
    #[error(transparent)]
    Medium(#[from] MediumError),
    /// A certificate cannot be read.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// Something cannot be written as text.
    #[error("a certificate or key cannot be written as text: {0}")]
    Text(#[from] pem::Error),
}

impl From<ActError> for GuidedError {
    fn from(error: ActError) -> Self {
        Self::Act(Box::new(error))
    }
}

/// Errors of verbs and of outputs are errors of the ceremony.
macro_rules! by_way_of {
    ($($between:ident: $($error:ty),+;)+) => {
        $($(impl From<$error> for GuidedError {
            fn from(error: $error) -> Self {
                $between::from(error).into()
            }
        })+)+
    };
}

by_way_of! {
    BeforehandError: SoftTokenError, OriginalError;
    ActError: OpenRootError, UnlockError, FoundRootError, SignCrlError, SignSubordinateError, CertifyError, DestroyError, SurveyTokenError, RevokeSubordinateError, Unavailable, ExchangeError, ChooseProfilesError;
    OutputError: FileNameError, NewFileError, MakeBundleError, TarError, MediumError, CertificateError, pem::Error;
}

impl ActError {
    fn explained(&self) -> Option<&dyn Explained> {
        Some(match self {
            Self::Root(error) => error,
            Self::Unlock(error) => error,
            Self::Found(error) => error,
            Self::Crl(error) => error,
            Self::Subordinate(error) => error,
            Self::Certify(error) => error,
            Self::Destroy(error) => error,
            Self::Revoke(error) => error,
            Self::Exchange(error) => error,
            Self::Profiles(error) => error,
            Self::Token(_) | Self::Unavailable(_) => return None,
        })
    }
}

impl Explained for ActError {
    fn exit(&self) -> Exit {
        self.explained().map_or(Exit::Unavailable, Explained::exit)
    }

    fn code(&self) -> &'static str {
        self.explained().map_or("signer.unavailable", Explained::code)
    }

    fn next(&self) -> String {
        self.explained().map_or_else(
            || "put the token in, the one with this label and serial number, and check the disk".to_owned(),
            Explained::next,
        )
    }
}

impl Explained for OutputError {
    fn exit(&self) -> Exit {
        match self {
            Self::OutputDiffers { .. } => Exit::Conflict,
            Self::Name(_) => Exit::Usage,
            Self::NotWritten(error) => error.exit(),
            Self::Medium(error) => error.exit(),
            Self::DraftCrl(_) | Self::Certificate(_) => Exit::Integrity,
            Self::Bundle(_) | Self::Tar(_) | Self::Text(_) => Exit::Failed,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::OutputDiffers { .. } => "file.exists",
            Self::Name(_) => "file.name",
            Self::NotWritten(error) => error.code(),
            Self::Medium(error) => error.code(),
            Self::DraftCrl(_) | Self::Certificate(_) => "certificate.altered",
            Self::Bundle(_) | Self::Tar(_) => "bundle.not-made",
            Self::Text(_) => "file.text",
        }
    }

    fn next(&self) -> String {
        match self {
            Self::OutputDiffers { .. } => {
                "find out where it comes from; nothing is ever overwritten".to_owned()
            }
            Self::NotWritten(error) => error.next(),
            Self::Medium(error) => error.next(),
            Self::Name(_)
            | Self::DraftCrl(_)
            | Self::Certificate(_)
            | Self::Bundle(_)
            | Self::Tar(_)
            | Self::Text(_) => "stop, sign nothing more, and have the program examined".to_owned(),
        }
    }
}

impl GuidedError {
    /// Tells whether people can put it right and have the act done once more, without leaving the room: nothing was altered,
    /// and the terminal and the transcript work.
    pub(crate) fn may_be_put_right(&self) -> bool {
        matches!(self, Self::Act(_) | Self::Person(_)) && self.exit() != Exit::Integrity
    }

    /// Tells whether an act was refused for what it is, or something went amiss: then the transcript says so.
    pub(crate) fn is_to_be_told(&self) -> bool {
        matches!(self, Self::Act(_) | Self::NotAsReviewed { .. })
            && matches!(self.exit(), Exit::Refused | Exit::Integrity)
    }

    /// Says why the ceremony ends with this, before its end: people said so, or something was signed amiss.
    pub(crate) fn breaks_off(&self) -> Option<String> {
        if let Self::Aborted { why } = self {
            return Some(why.clone());
        }
        let amiss = matches!(self, Self::Incident { .. }) || self.code() == INCIDENT;
        amiss.then(|| sentence(self))
    }
}

impl Explained for GuidedError {
    fn exit(&self) -> Exit {
        match self {
            Self::Unreadable { cause, .. } => new_file::exit_of(cause),
            Self::File(_) => Exit::Usage,
            Self::Inputs(_) | Self::NotAsReviewed { .. } | Self::UnknownAct { .. } | Self::Aborted { .. } => {
                Exit::Refused
            }
            Self::AnotherIsOpen { .. } | Self::Over { .. } | Self::RootExists { .. } => Exit::Conflict,
            Self::Journal(JournalError::Io(_) | JournalError::Locked) | Self::NotSigned(_) => {
                Exit::Unavailable
            }
            Self::Journal(_) | Self::Incident { .. } | Self::AnotherRoot { .. } => Exit::Integrity,
            Self::NotThatPerson { .. } => Exit::Permission,
            Self::Network(error) => error.exit(),
            Self::Beforehand(error) => error.exit(),
            Self::Room(error) => error.exit(),
            Self::Person(error) => error.exit(),
            Self::Act(error) => error.exit(),
            Self::Output(error) => error.exit(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "file.unreadable",
            Self::File(_) => "ceremony.file",
            Self::Inputs(_) => "ceremony.inputs",
            Self::AnotherIsOpen { .. } => "ceremony.another-open",
            Self::Journal(JournalError::Locked) => "transcript.locked",
            Self::Journal(JournalError::Io(_)) => "transcript.not-written",
            Self::Journal(_) => "transcript.altered",
            Self::NotSigned(_) => "person.not-signed",
            Self::NotThatPerson { .. } => "person.another",
            Self::Aborted { .. } => "ceremony.aborted",
            Self::Over { .. } => "ceremony.over",
            Self::Incident { .. } => "ceremony.incident",
            Self::NotAsReviewed { .. } => "ceremony.not-as-reviewed",
            Self::AnotherRoot { .. } => "root.another",
            Self::RootExists { .. } => "root.exists",
            Self::UnknownAct { .. } => "act.unknown",
            Self::Network(error) => error.code(),
            Self::Beforehand(error) => error.code(),
            Self::Room(error) => error.code(),
            Self::Person(error) => error.code(),
            Self::Act(error) => error.code(),
            Self::Output(error) => error.code(),
        }
    }

    fn next(&self) -> String {
        match self {
            Self::File(_) => "offline-root ceremony check says every fault; correct the file, and have it reviewed again",
            Self::Inputs(_) | Self::NotAsReviewed { .. } => "bring the inputs that were reviewed, beside the ceremony file; never change its sums here",
            Self::AnotherIsOpen { .. } => "run that one to its end, or break it off: type `abort` at any question",
            Self::Journal(_) => "stop, and compare the transcript with its copies; if another run is going on, end it",
            Self::NotThatPerson { .. } => "have the person bring the right medium, or stop: this may be somebody else",
            Self::Aborted { .. } => "plan another ceremony; the transcript says how far this one came",
            Self::Over { .. } => "verify its bundle: offline-root ceremony verify",
            Self::Incident { .. } => {
                "stop, touch nothing, seal the machine: what was made is in quarantine and stands in the transcript"
            }
            Self::RootExists { .. } => "find out where it comes from; nothing is ever overwritten",
            Self::AnotherRoot { .. } => "check --dir, and the SHA-256 of the root in the ceremony file",
            Self::UnknownAct { .. } => "take the act out of the ceremony file",
            Self::Unreadable { .. } | Self::NotSigned(_) => {
                "check the disk and the media, then run the same command: it goes on where it was"
            }
            Self::Network(error) => return error.next(),
            Self::Beforehand(error) => return error.next(),
            Self::Room(error) => return error.next(),
            Self::Person(error) => return error.next(),
            Self::Act(error) => return error.next(),
            Self::Output(error) => return error.next(),
        }
        .to_owned()
    }
}
