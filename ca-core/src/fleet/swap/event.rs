//! What happens to a swap, what is to be done for it, and why something does not follow.

use super::{Asked, Made, Proof, Trouble};
use crate::record::CertificateId;
use crate::system_title::SystemTitle;
use crate::validity::UnixTime;

/// Something that happened. Whatever comes twice changes nothing the second time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The device is claimed by its owner.
    Claimed,
    /// The present call was given to a head-end, which has until then to answer.
    Given {
        /// Which call.
        call: Call,
        /// The last second in which the head-end may make it.
        until: UnixTime,
    },
    /// A head-end brought the answer to the call that was given as the `turn`-th.
    Answered {
        /// Which one.
        turn: u32,
        /// What the device said.
        answer: Answer,
    },
    /// The device itself asked for a certificate, and an intent is on record.
    Asked(Asked),
    /// A certificate was issued into the place that is swapped, and is on record.
    Issued(Made),
    /// The authority did not issue one.
    NotIssued {
        /// Why.
        trouble: Trouble,
        /// Whether it may do so later, without anybody's doing.
        later: bool,
    },
    /// The device confirmed a certificate, by a message or by using it.
    Confirmed {
        /// Which one.
        certificate: CertificateId,
        /// How.
        proof: Proof,
    },
    /// A certificate was revoked, by whomever.
    Revoked {
        /// Which one.
        certificate: CertificateId,
    },
    /// Time has passed.
    Elapsed,
    /// The campaign is given up: what can be undone is.
    Ended,
    /// A person looked at it, and has it tried again.
    Again,
}

/// What a device said, as far as a swap needs to know. Whoever reads the octets has judged them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Its Security setup object is of the suite with this number.
    Suite(u8),
    /// It made a key pair.
    KeyMade,
    /// It made a certification request, signed by the key that it names.
    Request {
        /// The request, DER.
        octets: Vec<u8>,
        /// Its digest and its key.
        asked: Asked,
        /// The device that it names, if it names one.
        title: Option<SystemTitle>,
        /// What the ledger knows of the key.
        key: KeyStanding,
    },
    /// It took the certificate.
    Imported,
    /// It showed the certificate that it holds.
    Exported(Shown),
    /// The new certificate is the only one in use.
    Activated,
    /// It refused the call.
    Refused {
        /// The number of its action result.
        result: u8,
    },
}

/// What the ledger knows of a key that is shown for the first time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyStanding {
    /// Nothing.
    New,
    /// It was certified for this device and type before.
    Certified,
    /// It is another type's of the same device.
    OtherType,
    /// It is another device's.
    OtherDevice,
}

/// What a device holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// No certificate.
    Nothing,
    /// This one.
    Certificate {
        /// SHA-256 of its DER.
        digest: [u8; 32],
        /// Whether it is one that the device had before: its factory certificate, or one that is on record as its own.
        former: bool,
    },
}

/// A call to a device, over a head-end. The order is that of a swap, but that the suite is asked before all else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    /// Make a key pair (class 64, method 4).
    GenerateKeyPair,
    /// Make a certification request (method 5).
    GenerateRequest,
    /// Take the certificate (method 6).
    Import,
    /// Show the certificate that it holds (method 7).
    Export,
    /// From now on take the new certificate alone; for the last of an uplift, activate the policy as well (method 1).
    Activate,
    /// Say of which suite the Security setup object is (attribute 3).
    ReadSuite,
}

impl Call {
    /// Every call, in the order of the numbers by which rows know them. There is none to remove a certificate.
    pub const ALL: [Self; 6] = [
        Self::GenerateKeyPair,
        Self::GenerateRequest,
        Self::Import,
        Self::Export,
        Self::Activate,
        Self::ReadSuite,
    ];

    /// Returns the word that files and listings use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::GenerateKeyPair => "generate-key-pair",
            Self::GenerateRequest => "generate-certificate-request",
            Self::Import => "import-certificate",
            Self::Export => "export-certificate",
            Self::Activate => "activate",
            Self::ReadSuite => "read-security-suite",
        }
    }

    /// Returns the call of this word.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|call| call.name() == name)
    }
}

/// What is to be done next. It follows from the state alone, so that whoever was killed finds it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Nothing: it is over, or a person has to look at it.
    Nothing,
    /// Nothing before this time, unless somebody else acts; `None` for as long as it takes.
    Wait(Option<UnixTime>),
    /// The head-end is to make this call.
    Call(Call),
    /// The authority is to answer the certification request that was kept.
    Issue,
    /// The certificate that no device took is to be revoked.
    Withdraw(CertificateId),
}

/// Why an event does not follow. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SwapRefusal {
    /// It does not follow where the swap stands.
    #[error("that does not follow where the swap stands: {stage}")]
    OutOfOrder {
        /// Where it stands.
        stage: &'static str,
    },
    /// The answer belongs to a call that was never given, or to one that was given anew since.
    #[error("call {turn} is not the one that was given last")]
    NotGiven {
        /// The number of the call.
        turn: u32,
    },
    /// The answer is one to another call.
    #[error("the answer is not one to {call}")]
    OtherAnswer {
        /// The call that was given.
        call: &'static str,
    },
    /// The certification request names another device, or none.
    #[error("the certification request is not this device's")]
    OtherDevice,
    /// The key is that of another type of the same device.
    #[error("the key is another type's of the same device")]
    KeyOfOtherType,
    /// The key is that of another device.
    #[error("the key is another device's")]
    KeyOfOtherDevice,
    /// The key was certified before: the certification request is an old one.
    #[error("the key was certified before")]
    KeyNotNew,
    /// The certificate is for another key than the one that was asked for.
    #[error("the certificate is for another key")]
    OtherKey,
    /// The certificate is not the one that is swapped in.
    #[error("that is another certificate")]
    OtherCertificate,
    /// The swap is over.
    #[error("the swap is over")]
    Finished,
    /// Nobody has to look at it.
    #[error("the swap is not stuck")]
    NotStuck,
    /// It does not come the way that the campaign takes.
    #[error("the campaign takes the other road")]
    OtherRoad,
}

impl SwapRefusal {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::OutOfOrder { .. } => "swap.out_of_order",
            Self::NotGiven { .. } => "swap.not_given",
            Self::OtherAnswer { .. } => "swap.other_answer",
            Self::OtherDevice => "swap.other_device",
            Self::KeyOfOtherType => "swap.key_of_other_type",
            Self::KeyOfOtherDevice => "swap.key_of_other_device",
            Self::KeyNotNew => "swap.key_not_new",
            Self::OtherKey => "swap.other_key",
            Self::OtherCertificate => "swap.other_certificate",
            Self::Finished => "swap.finished",
            Self::NotStuck => "swap.not_stuck",
            Self::OtherRoad => "swap.other_road",
        }
    }
}
