//! Making a bundle: what belongs into it is put together, then people sign its manifest, then it is sealed.

use std::collections::BTreeMap;

use ca_core::ports::Signer;

use super::manifest::{FORMAT, Manifest, Signatures};
use super::{Bundle, CEREMONY, MANIFEST, SCRIPT, SIGNATURES, TOOLS, TRANSCRIPT};
use crate::exact_json;
use crate::file::CeremonyFile;
use crate::file::act::FileName;
use crate::people::{Person, Role};
use crate::record::{Record, armour};
use crate::script;
use crate::transcript::action::Tool;
use crate::transcript::entry::{EntryError, SignEntryError};
use crate::transcript::{PersonSignature, Transcript, TranscriptError};

/// A bundle that is being put together.
#[derive(Debug, Clone)]
pub struct BundleDraft<'a> {
    file: &'a CeremonyFile,
    transcript: Transcript,
    files: BTreeMap<String, Vec<u8>>,
}

impl<'a> BundleDraft<'a> {
    /// Begins with what every bundle has. `transcript` is the transcript as it lies on the disk, closed.
    ///
    /// # Errors
    /// [`MakeBundleError`].
    pub fn new(file: &'a CeremonyFile, transcript: &[u8], tools: &[Tool]) -> Result<Self, MakeBundleError> {
        let read = Transcript::read(transcript, file)?;
        let rehearsal = read.is_rehearsal();
        let mut files = BTreeMap::from([
            (CEREMONY.to_owned(), file.octets().to_vec()),
            (SCRIPT.to_owned(), script::markdown(file, rehearsal).into_bytes()),
            (TRANSCRIPT.to_owned(), transcript.to_vec()),
            (TOOLS.to_owned(), exact_json::write(&tools)?),
        ]);
        for person in file.people().iter() {
            files.insert(key_file(person), armour::public_key(person.key.spki_der())?.into_bytes());
        }
        Ok(Self { file, transcript: read, files })
    }

    /// Adds what was taken in.
    #[must_use]
    pub fn input(self, name: &FileName, octets: Vec<u8>) -> Self {
        self.add(format!("inputs/{name}"), octets)
    }

    /// Adds what was made.
    #[must_use]
    pub fn output(self, name: &FileName, octets: Vec<u8>) -> Self {
        self.add(format!("outputs/{name}"), octets)
    }

    /// Adds what a signed output was made of.
    ///
    /// # Errors
    /// [`MakeBundleError::Encode`].
    pub fn record(self, record: &Record) -> Result<Self, MakeBundleError> {
        let octets = record.to_octets()?;
        Ok(self.add(record.file_name(), octets))
    }

    fn add(mut self, name: String, octets: Vec<u8>) -> Self {
        self.files.insert(name, octets);
        self
    }

    /// Writes the manifest, which people then sign.
    ///
    /// # Errors
    /// [`MakeBundleError::Encode`].
    pub fn manifest(self) -> Result<UnsignedBundle<'a>, MakeBundleError> {
        let bundle = Bundle::new(self.files);
        let manifest = exact_json::write(&Manifest {
            format: FORMAT,
            title: self.file.title().to_owned(),
            rehearsal: self.transcript.is_rehearsal(),
            ceremony: *self.file.fingerprint(),
            transcript: *self.transcript.tip(),
            files: Manifest::list(&bundle),
        })?;
        Ok(UnsignedBundle { file: self.file, bundle, manifest, signatures: Vec::new() })
    }
}

/// Returns where the key of a person lies in a bundle: by its fingerprint, since names are of any letters.
pub(crate) fn key_file(person: &Person) -> String {
    format!("people/{}.pem", person.fingerprint())
}

/// A bundle whose manifest people have yet to sign.
#[derive(Debug, Clone)]
pub struct UnsignedBundle<'a> {
    file: &'a CeremonyFile,
    bundle: Bundle,
    manifest: Vec<u8>,
    signatures: Vec<PersonSignature>,
}

impl UnsignedBundle<'_> {
    /// Returns the octets of the manifest, which each person signs.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.manifest
    }

    /// Adds the signature of a person, whose key the signer holds.
    ///
    /// # Errors
    /// [`SignEntryError`].
    pub fn sign(mut self, person: &Person, signer: &dyn Signer) -> Result<Self, SignEntryError> {
        self.signatures.push(PersonSignature::make(person, &self.manifest, signer)?);
        Ok(self)
    }

    /// Closes the bundle: the operator and every witness have signed.
    ///
    /// # Errors
    /// [`MakeBundleError`].
    pub fn seal(self) -> Result<Bundle, MakeBundleError> {
        check_signatures(&self.signatures, &self.manifest, self.file)?;
        let mut files = self.bundle.files;
        files.insert(SIGNATURES.to_owned(), exact_json::write(&Signatures { signatures: self.signatures })?);
        files.insert(MANIFEST.to_owned(), self.manifest);
        Ok(Bundle::new(files))
    }
}

/// Checks the signatures under a manifest: all verify, nobody signed twice, the operator and every witness signed.
pub(crate) fn check_signatures(
    signatures: &[PersonSignature],
    manifest: &[u8],
    file: &CeremonyFile,
) -> Result<(), EntryError> {
    let mut signed: Vec<&Person> = Vec::new();
    for signature in signatures {
        let person = signature.verify(manifest, file.people())?;
        if signed.contains(&person) {
            return Err(EntryError::SignedTwice { person: person.name.clone() });
        }
        signed.push(person);
    }
    let must = |person: &&Person| matches!(person.role, Role::Operator | Role::Witness);
    match file.people().iter().filter(must).find(|person| !signed.contains(person)) {
        Some(person) => Err(EntryError::Unsigned { person: person.name.clone() }),
        None => Ok(()),
    }
}

/// Why no bundle was made.
#[derive(Debug, thiserror::Error)]
pub enum MakeBundleError {
    /// The transcript is not as it was written.
    #[error(transparent)]
    Transcript(#[from] TranscriptError),
    /// Not everybody signed who must.
    #[error("the manifest: {0}")]
    Signatures(#[from] EntryError),
    /// A file cannot be written as JSON.
    #[error("a file of the bundle cannot be written: {0}")]
    Encode(#[from] serde_json::Error),
    /// A key cannot be written as PEM.
    #[error("a key cannot be written: {0}")]
    Key(#[from] der::pem::Error),
}
