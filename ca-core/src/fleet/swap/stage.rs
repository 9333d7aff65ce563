//! Where a swap stands, what it carries there, and what can be wrong with it. Values only.

use crate::record::CertificateId;

/// How a certificate comes to the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Road {
    /// The device asks by itself, over EST or CMP.
    Device,
    /// The head-end works it, by calls that it is given.
    HeadEnd,
}

impl Road {
    /// Both roads.
    pub const ALL: [Self; 2] = [Self::Device, Self::HeadEnd];

    /// Returns the word that files and listings use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::HeadEnd => "head-end",
        }
    }

    /// Returns the road of this word.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|road| road.name() == name)
    }
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// SHA-256 of the certification request.
    pub request: [u8; 32],
    /// SHA-256 of the SubjectPublicKeyInfo.
    pub key: [u8; 32],
}

/// A certificate that was issued for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// What it answers.
    pub asked: Asked,
    /// Which certificate.
    pub certificate: CertificateId,
    /// SHA-256 of its DER.
    pub digest: [u8; 32],
}

/// How it is known that the device holds the new certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Proof {
    /// It showed it when it was asked to (`export_certificate`).
    Export,
    /// It confirmed it by a message (certConf of CMP).
    Message,
    /// It authenticated itself with it.
    Use,
}

impl Proof {
    /// Every way.
    pub const ALL: [Self; 3] = [Self::Export, Self::Message, Self::Use];

    /// Returns the word that files and listings use.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Export => "export",
            Self::Message => "message",
            Self::Use => "use",
        }
    }
}

/// What follows when a certificate that nobody took is revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// The device begins anew with another key.
    Again,
    /// The swap is over; the device is as it was.
    End,
}

/// Where a swap stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// The device is not known to be its owner's yet.
    Planned,
    /// It is; nothing was done.
    Claimed,
    /// The device has a new key pair.
    KeyGenerated,
    /// A certificate was asked for.
    Requested {
        /// What.
        asked: Asked,
        /// The certification request, if it is ours to answer; empty where the device asked by itself.
        octets: Vec<u8>,
    },
    /// It is issued; the device does not have it, or, where it asked by itself, has not shown it.
    Issued(Made),
    /// The import was ordered: whether the device took it is not known.
    Importing {
        /// What.
        made: Made,
        /// Whether the device said that it does not take it.
        refused: bool,
    },
    /// The device said that it took it.
    Imported(Made),
    /// The device holds it.
    Confirmed {
        /// What.
        made: Made,
        /// How that is known.
        proof: Proof,
    },
    /// It is the only one in use.
    Activated {
        /// What.
        made: Made,
        /// How it is known that the device holds it.
        proof: Proof,
    },
    /// It is to be revoked: the device does not have it.
    Withdrawing {
        /// What.
        made: Made,
        /// What follows.
        then: Then,
    },
    /// Nothing was changed on the device, and nothing will be.
    Undone {
        /// What was asked for last: a certificate for it that comes late is revoked.
        asked: Option<Asked>,
    },
}

impl Stage {
    /// The words of all stages, in their order.
    pub const NAMES: [&'static str; 11] = [
        "planned",
        "claimed",
        "key-generated",
        "requested",
        "issued",
        "importing",
        "imported",
        "confirmed",
        "activated",
        "withdrawing",
        "undone",
    ];

    /// Returns the word that files and listings use.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Claimed => "claimed",
            Self::KeyGenerated => "key-generated",
            Self::Requested { .. } => "requested",
            Self::Issued(_) => "issued",
            Self::Importing { .. } => "importing",
            Self::Imported(_) => "imported",
            Self::Confirmed { .. } => "confirmed",
            Self::Activated { .. } => "activated",
            Self::Withdrawing { .. } => "withdrawing",
            Self::Undone { .. } => "undone",
        }
    }

    /// Returns the certificate that was issued, if one was.
    #[must_use]
    pub const fn made(&self) -> Option<&Made> {
        match self {
            Self::Issued(made)
            | Self::Importing { made, .. }
            | Self::Imported(made)
            | Self::Confirmed { made, .. }
            | Self::Activated { made, .. }
            | Self::Withdrawing { made, .. } => Some(made),
            Self::Planned
            | Self::Claimed
            | Self::KeyGenerated
            | Self::Requested { .. }
            | Self::Undone { .. } => None,
        }
    }

    /// Returns what was asked for, if anything was.
    #[must_use]
    pub fn asked(&self) -> Option<Asked> {
        match self {
            Self::Requested { asked, .. } => Some(*asked),
            Self::Undone { asked } => *asked,
            Self::Planned
            | Self::Claimed
            | Self::KeyGenerated
            | Self::Issued(_)
            | Self::Importing { .. }
            | Self::Imported(_)
            | Self::Confirmed { .. }
            | Self::Activated { .. }
            | Self::Withdrawing { .. } => self.made().map(|made| made.asked),
        }
    }
}

/// Why a person has to look at a swap, or what went wrong with it last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The head-end did not answer, as often as was tried.
    NoAnswer,
    /// The device did not ask.
    Silent,
    /// The device did not show the new certificate.
    NotConfirmed,
    /// The device shows a certificate that is neither the new one nor one that it had.
    OtherCertificate,
    /// The device still shows the former certificate, as often as was tried.
    NotImported,
    /// The device refused certificates, as often as was tried.
    ImportRefused,
    /// The Security setup object of the device is of another suite than the campaign lifts it to.
    OtherSuite {
        /// The number of its suite.
        suite: u8,
    },
    /// The device refused a call.
    CallRefused {
        /// The number of its action result.
        result: u8,
    },
    /// The certificate was revoked by somebody.
    CertificateRevoked,
    /// Another certificate was issued into the same place.
    Overtaken,
    /// The authority refused the certification request.
    NotIssued {
        /// Its reason code.
        code: String,
    },
}

impl Trouble {
    /// Returns the stable reason code.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::NoAnswer => "swap.no_answer",
            Self::Silent => "swap.silent",
            Self::NotConfirmed => "swap.not_confirmed",
            Self::OtherCertificate => "swap.other_certificate",
            Self::NotImported => "swap.not_imported",
            Self::ImportRefused => "swap.import_refused",
            Self::OtherSuite { .. } => "swap.meter_suite",
            Self::CallRefused { .. } => "swap.call_refused",
            Self::CertificateRevoked => "swap.certificate_revoked",
            Self::Overtaken => "swap.overtaken",
            Self::NotIssued { code } => code,
        }
    }
}
