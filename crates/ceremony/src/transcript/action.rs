//! What a step of a ceremony is. Values only: who signed it, and what came before, stands in the entry around it.

use serde::{Deserialize, Serialize};

use crate::file::act::{FileName, RootKey};
use crate::file::root::RootName;
use crate::people::Person;
use crate::words::Fingerprint;

/// What was done in one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "kind")]
pub enum Action {
    /// The ceremony begins.
    Opened {
        /// The title of the ceremony file.
        title: String,
        /// Whether this is a rehearsal: then nothing that it makes may be relied on.
        rehearsal: bool,
        /// The program that leads.
        tool: Tool,
    },
    /// People said who they are.
    PeopleConfirmed {
        /// The names of those present.
        present: Vec<String>,
    },
    /// In a rehearsal, a root was made that stands in for one of an earlier ceremony, whose key is not touched.
    StoodIn {
        /// For which root of the ceremony file.
        root: RootName,
        /// SHA-256 of the certificate of the stand-in.
        certificate: Fingerprint,
        /// SHA-256 of the certificate that the ceremony file names.
        stands_for: Fingerprint,
    },
    /// The SHA-256 of the ceremony file was read aloud and compared (case R-01).
    InputReadAloud {
        /// What was read.
        sha256: Fingerprint,
    },
    /// The bundle of the previous ceremony was verified: it is the one that the ceremony file names.
    PreviousVerified {
        /// SHA-256 of its manifest.
        manifest: Fingerprint,
    },
    /// The bundle of a rehearsal of the same ceremony file was verified.
    Rehearsed {
        /// SHA-256 of its manifest.
        manifest: Fingerprint,
    },
    /// No network interface was up (case R-12).
    NetworkChecked {
        /// The interfaces that the machine has, each with its state.
        interfaces: Vec<String>,
    },
    /// A token was found by label and serial number.
    TokenSeen(TokenSeen),
    /// Share-holders came together.
    SharesCombined {
        /// For which root.
        root: RootName,
        /// Those whose shares were taken.
        holders: Vec<KnownPerson>,
    },
    /// An act of the ceremony file begins.
    ActBegun {
        /// Its number.
        act: u32,
    },
    /// Keys are about to be made on a token, which has none of these labels. What has one of them after a power cut was made
    /// by this founding, and nothing that anybody holds was signed with it (case R-21).
    KeysAnnounced {
        /// Whose they are to be.
        root: RootName,
        /// What they are to be called.
        labels: Vec<String>,
    },
    /// A key was made.
    KeyMade {
        /// Whose it is.
        root: RootName,
        /// What for.
        purpose: RootKey,
        /// SHA-256 of its SubjectPublicKeyInfo.
        key: Fingerprint,
    },
    /// The octets that are to be signed were drafted and linted; nothing is signed yet.
    Drafted {
        /// By which act.
        act: u32,
        /// The name of the output that they become part of.
        object: FileName,
        /// SHA-256 of the to-be-signed octets.
        to_be_signed: Fingerprint,
        /// What the lints found. Where there is anything, nothing is signed (case R-05).
        lints: Vec<String>,
    },
    /// What is about to be signed was shown in words and confirmed.
    Confirmed {
        /// By which act.
        act: u32,
        /// The output that it is about.
        object: FileName,
        /// SHA-256 of the text that was shown.
        shown: Fingerprint,
    },
    /// An output was signed.
    Signed {
        /// By which act.
        act: u32,
        /// Its name.
        object: FileName,
        /// SHA-256 of its octets.
        sha256: Fingerprint,
    },
    /// The signature verifies, and the signed octets are those that were drafted (case R-11).
    Verified {
        /// By which act.
        act: u32,
        /// The output.
        object: FileName,
    },
    /// The signed output was linted again.
    LintAfter {
        /// By which act.
        act: u32,
        /// The output.
        object: FileName,
        /// What the lints found.
        lints: Vec<String>,
    },
    /// What an interruption left open in the ledger of a root was settled.
    Settled {
        /// Which root.
        root: RootName,
        /// Serial numbers, in hexadecimal, that were drawn and never signed with: nothing bears them.
        unused: Vec<String>,
        /// Serial numbers of which nobody can tell whether a certificate was signed with them: the next CRL lists them.
        uncertain: Vec<String>,
    },
    /// A revocation was recorded.
    Revoked {
        /// By which act.
        act: u32,
        /// By which root.
        root: RootName,
        /// The serial number, in hexadecimal.
        serial: String,
        /// The reason, in the words of RFC 5280.
        reason: String,
    },
    /// A key was destroyed, be it one that was never used (case R-21).
    KeyDestroyed {
        /// Whose it was.
        root: RootName,
        /// What for.
        purpose: RootKey,
        /// SHA-256 of its SubjectPublicKeyInfo.
        key: Fingerprint,
        /// How it was destroyed, and why.
        how: String,
    },
    /// An act is done: all its outputs are written.
    ActEnded {
        /// Its number.
        act: u32,
    },
    /// The ceremony was taken up again after an interruption.
    Resumed {
        /// Why it was interrupted, in the words of people.
        why: String,
    },
    /// Something went otherwise than written.
    Incident {
        /// What.
        what: String,
    },
    /// The ceremony was broken off. Only keys are destroyed and incidents noted after it, and then it is closed.
    Aborted {
        /// Why.
        why: String,
    },
    /// The ceremony is over.
    Closed,
}

/// A person, known by the key; the name is for those who read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownPerson {
    /// What the person is called.
    pub person: String,
    /// SHA-256 of the SubjectPublicKeyInfo of the person's key.
    pub key: Fingerprint,
}

impl From<&Person> for KnownPerson {
    fn from(person: &Person) -> Self {
        Self { person: person.name.clone(), key: person.fingerprint() }
    }
}

/// A program, as it ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its file.
    pub sha256: Fingerprint,
}

/// What a PKCS#11 token says of itself and of its keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenSeen {
    /// Which root's key is on it.
    pub root: RootName,
    /// Its label.
    pub label: String,
    /// Its serial number.
    pub serial: String,
    /// Who made it.
    pub manufacturer: String,
    /// What it is.
    pub model: String,
    /// The version of its firmware.
    pub firmware: String,
    /// The keys of the ceremony that are on it.
    pub keys: Vec<TokenKey>,
    /// In a rehearsal: the token of the ceremony file, in whose place it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stands_for: Option<TokenName>,
}

/// By what a token is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenName {
    /// Its label.
    pub label: String,
    /// Its serial number.
    pub serial: String,
}

/// The attributes of a private key on a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "PKCS#11 attributes are what they are")]
pub struct TokenKey {
    /// `CKA_LABEL`.
    pub label: String,
    /// SHA-256 of its SubjectPublicKeyInfo.
    pub key: Fingerprint,
    /// `CKA_SENSITIVE`.
    pub sensitive: bool,
    /// `CKA_ALWAYS_SENSITIVE`.
    pub always_sensitive: bool,
    /// `CKA_EXTRACTABLE`.
    pub extractable: bool,
    /// `CKA_NEVER_EXTRACTABLE`.
    pub never_extractable: bool,
    /// `CKA_LOCAL`: it was made on this token.
    pub local: bool,
}

impl Action {
    /// Returns the word for it, as the transcript has it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::PeopleConfirmed { .. } => "people-confirmed",
            Self::StoodIn { .. } => "stood-in",
            Self::InputReadAloud { .. } => "input-read-aloud",
            Self::PreviousVerified { .. } => "previous-verified",
            Self::Rehearsed { .. } => "rehearsed",
            Self::NetworkChecked { .. } => "network-checked",
            Self::TokenSeen(_) => "token-seen",
            Self::SharesCombined { .. } => "shares-combined",
            Self::ActBegun { .. } => "act-begun",
            Self::KeysAnnounced { .. } => "keys-announced",
            Self::KeyMade { .. } => "key-made",
            Self::Drafted { .. } => "drafted",
            Self::Confirmed { .. } => "confirmed",
            Self::Signed { .. } => "signed",
            Self::Verified { .. } => "verified",
            Self::LintAfter { .. } => "lint-after",
            Self::Settled { .. } => "settled",
            Self::Revoked { .. } => "revoked",
            Self::KeyDestroyed { .. } => "key-destroyed",
            Self::ActEnded { .. } => "act-ended",
            Self::Resumed { .. } => "resumed",
            Self::Incident { .. } => "incident",
            Self::Aborted { .. } => "aborted",
            Self::Closed => "closed",
        }
    }
}
