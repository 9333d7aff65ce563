//! One line of the transcript: JSON in one exact form, signed by people.
//!
//! What is signed is the line without its `signatures` member, octet for octet, so that others check it with tools of
//! their own. ECDSA with the hash of the person's curve (P-256: SHA-256, P-384: SHA-384).

use ca_core::ports::{SignError, Signer};
use ca_core::signature::EcdsaSignature;
use ca_core::validity::UnixTime;
use serde::{Deserialize, Serialize};

use super::action::Action;
use crate::people::{People, Person, Role};
use crate::stated_time::StatedTime;
use crate::words::Fingerprint;

/// A file and its SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamedFingerprint {
    /// Its path in the bundle, such as `outputs/root-a.crt`.
    pub name: String,
    /// SHA-256 of its octets.
    pub sha256: Fingerprint,
}

/// A signature by a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonSignature {
    /// Who signed.
    pub person: String,
    /// SHA-256 of the SubjectPublicKeyInfo of the person's key.
    pub key: Fingerprint,
    /// DER `ECDSA-Sig-Value`, in hexadecimal.
    pub signature: String,
}

impl PersonSignature {
    /// Has a person sign octets.
    ///
    /// # Errors
    /// [`SignEntryError`].
    pub fn make(person: &Person, octets: &[u8], signer: &dyn Signer) -> Result<Self, SignEntryError> {
        let signature = signer.sign(&person.key.key_ref(), octets)?;
        person.key.verify(octets, &signature).map_err(|_| SignEntryError::DoesNotVerify)?;
        Ok(Self {
            person: person.name.clone(),
            key: person.fingerprint(),
            signature: hex::encode(signature.to_der().map_err(|_| SignEntryError::DoesNotVerify)?),
        })
    }

    /// Checks the signature and returns who made it.
    ///
    /// # Errors
    /// [`EntryError::Stranger`] or [`EntryError::Forged`].
    pub fn verify<'a>(&self, octets: &[u8], people: &'a People) -> Result<&'a Person, EntryError> {
        // nobody signs whom the ceremony file does not name.
        let person = people
            .by_key(&self.key)
            .filter(|person| person.name == self.person)
            .ok_or_else(|| EntryError::Stranger { person: self.person.clone() })?;
        let forged = || EntryError::Forged { person: self.person.clone() };
        // In lower case only: one signature has one form.
        let der = hex::decode(&self.signature).ok().filter(|der| hex::encode(der) == self.signature);
        let der = der.ok_or_else(forged)?;
        let signature = EcdsaSignature::from_der(person.key.curve(), &der).map_err(|_| forged())?;
        person.key.verify(octets, &signature).map_err(|_| forged())?;
        Ok(person)
    }
}

/// An entry without signatures. The order of its members is the order of the line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Body {
    step: u32,
    previous: Fingerprint,
    time: StatedTime,
    action: Action,
    inputs: Vec<NamedFingerprint>,
    outputs: Vec<NamedFingerprint>,
}

/// An entry that people have yet to sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftEntry {
    body: Body,
    signatures: Vec<PersonSignature>,
}

impl DraftEntry {
    pub(super) fn new(
        (step, previous): (u32, Fingerprint),
        time: UnixTime,
        action: Action,
        (inputs, outputs): (Vec<NamedFingerprint>, Vec<NamedFingerprint>),
    ) -> Self {
        let body = Body { step, previous, time: StatedTime(time), action, inputs, outputs };
        Self { body, signatures: Vec::new() }
    }

    /// Returns what each person signs.
    ///
    /// # Errors
    /// What the encoder says; it has no cause with these types.
    pub fn octets(&self) -> Result<Vec<u8>, SignEntryError> {
        Ok(serde_json::to_vec(&self.body)?)
    }

    /// Lists the signatures so far.
    #[must_use]
    pub fn signatures(&self) -> &[PersonSignature] {
        &self.signatures
    }

    /// Adds the signature of a person, whose key the signer holds.
    ///
    /// # Errors
    /// [`SignEntryError`]; the draft is as it was.
    pub fn sign(mut self, person: &Person, signer: &dyn Signer) -> Result<Self, SignEntryError> {
        let signature = PersonSignature::make(person, &self.octets()?, signer)?;
        self.signatures.push(signature);
        Ok(self)
    }

    /// Writes the line, without its end.
    pub(crate) fn line(self) -> Result<Vec<u8>, SignEntryError> {
        let Self { body, signatures } = self;
        Ok(serde_json::to_vec(&Entry { body, signatures })?)
    }
}

/// An entry as it stands in a transcript.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    #[serde(flatten)]
    body: Body,
    signatures: Vec<PersonSignature>,
}

impl Entry {
    /// Reads a line; what is not in the one exact form is refused, be it by a space.
    pub(super) fn read(line: &[u8]) -> Result<Self, EntryError> {
        let entry: Self = serde_json::from_slice(line)
            .map_err(|cause| EntryError::Unreadable { what: cause.to_string() })?;
        match serde_json::to_vec(&entry) {
            Ok(written) if written == line => Ok(entry),
            _ => Err(EntryError::OtherForm),
        }
    }

    /// Checks that the entry follows the one before.
    pub(super) fn check_place(&self, step: u32, tip: &Fingerprint) -> Result<(), EntryError> {
        if self.body.step != step {
            return Err(EntryError::Number { found: self.body.step });
        }
        if self.body.previous != *tip {
            return Err(EntryError::Chain { found: self.body.previous, wanted: *tip });
        }
        Ok(())
    }

    /// Checks every signature; the operator and a witness must have signed, nobody twice.
    pub(super) fn check_signatures(&self, people: &People) -> Result<(), EntryError> {
        let octets = self.octets()?;
        let mut signed: Vec<&Person> = Vec::new();
        for signature in &self.signatures {
            let person = signature.verify(&octets, people)?;
            if signed.contains(&person) {
                return Err(EntryError::SignedTwice { person: person.name.clone() });
            }
            signed.push(person);
        }
        for role in [Role::Operator, Role::Witness] {
            if !signed.iter().any(|person| person.role == role) {
                return Err(EntryError::NotSigned { role });
            }
        }
        Ok(())
    }

    /// Returns what each person signed.
    ///
    /// # Errors
    /// What the encoder says; it has no cause with an entry that was read.
    pub fn octets(&self) -> Result<Vec<u8>, EntryError> {
        serde_json::to_vec(&self.body).map_err(|_| EntryError::OtherForm)
    }

    /// Returns the number of the step, from 1.
    #[must_use]
    pub const fn step(&self) -> u32 {
        self.body.step
    }

    /// Returns the time that people stated.
    #[must_use]
    pub const fn time(&self) -> UnixTime {
        self.body.time.0
    }

    /// Returns what was done.
    #[must_use]
    pub const fn action(&self) -> &Action {
        &self.body.action
    }

    /// Lists what was taken in.
    #[must_use]
    pub fn inputs(&self) -> &[NamedFingerprint] {
        &self.body.inputs
    }

    /// Lists what was made.
    #[must_use]
    pub fn outputs(&self) -> &[NamedFingerprint] {
        &self.body.outputs
    }

    /// Lists the signatures.
    #[must_use]
    pub fn signatures(&self) -> &[PersonSignature] {
        &self.signatures
    }
}

/// Why an entry was not signed.
#[derive(Debug, thiserror::Error)]
pub enum SignEntryError {
    /// The signer holds no such key, or does not answer.
    #[error(transparent)]
    Signer(#[from] SignError),
    /// The signature is not by this person's key.
    #[error("the signature does not verify under the person's key")]
    DoesNotVerify,
    /// The entry cannot be written.
    #[error("the entry cannot be written: {0}")]
    Encode(#[from] serde_json::Error),
}

/// What is wrong with a line of a transcript.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Not an entry.
    #[error("the line cannot be read: {what}")]
    Unreadable {
        /// What the decoder says.
        what: String,
    },
    /// An entry in another form than the one in which entries are written.
    #[error("the line was written again in another form")]
    OtherForm,
    /// The last line has no end.
    #[error("the line is cut short")]
    CutShort,
    /// Another number than comes next.
    #[error("the line says that it is step {found}")]
    Number {
        /// What it says.
        found: u32,
    },
    /// It does not follow the line before it.
    #[error(
        "it follows a line with the SHA-256 {found}, and the line before it has {wanted}: that line was changed"
    )]
    Chain {
        /// What it says.
        found: Fingerprint,
        /// What the line before has.
        wanted: Fingerprint,
    },
    /// Earlier than the line before it.
    #[error("it is of {time}, and the line before it of {last}")]
    TimeWentBack {
        /// When it was.
        time: UnixTime,
        /// When the line before was.
        last: UnixTime,
    },
    /// Signed by somebody whom the ceremony file does not name.
    #[error("{person} signed, who is not known by this key to the ceremony file")]
    Stranger {
        /// Who.
        person: String,
    },
    /// A signature that the person did not make over these octets.
    #[error("the signature of {person} does not verify: what was signed was changed, or another key signed")]
    Forged {
        /// Who.
        person: String,
    },
    /// Somebody did not sign who must.
    #[error("{person} did not sign")]
    Unsigned {
        /// Who.
        person: String,
    },
    /// A person signed twice.
    #[error("{person} signed twice")]
    SignedTwice {
        /// Who.
        person: String,
    },
    /// Operator or witness did not sign.
    #[error("no {role} signed it")]
    NotSigned {
        /// Which role.
        role: Role,
    },
}
