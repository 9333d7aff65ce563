//! A person's own signing key: made on the person's own medium, opened by a passphrase that nobody else knows.
//!
//! With it operator and witness sign what was done, and share holders say yes to a step. It is no key of a root, and no share
//! depends on it: a share names its holder by the fingerprint of this key.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ca_core::ports::{Entropy, SignError, Signer, Unavailable};
use ca_core::public_key::{PublicKey, PublicKeyError};
use ca_core::signature::EcdsaSignature;
use ca_core::suite::Curve;
use ceremony::people::Role;
use der::pem::{self, LineEnding};
use serde::Serialize;
use signer_file::{
    DecryptKeyError, EncryptKeyError, FileSigner, Iterations, NewKeyFile, PrivatePathError, ReadKeyError,
    SystemEntropy,
};

use crate::explain::{Exit, Explained};
use crate::fingerprint;
use crate::new_file::{self, NewFileError, Readers};
use crate::passphrase_entry::{self, EnterPassphraseError};
use crate::second_opinion::SecondOpinion;

/// The longest name, in characters.
const NAME_LIMIT: usize = 64;

/// A name has 1 to 64 characters, no control character, and single spaces inside only.
pub(crate) fn is_name(text: &str) -> bool {
    (1..=NAME_LIMIT).contains(&text.chars().count())
        && !text.chars().any(char::is_control)
        && text.split(' ').all(|word| !word.is_empty() && !word.chars().any(char::is_whitespace))
}

/// Whose key is to be made, and where.
#[derive(Debug, Clone)]
pub(crate) struct PersonWish {
    pub(crate) name: String,
    /// The role in the ceremony, if it is known yet.
    pub(crate) role: Option<Role>,
    /// The key file to make.
    pub(crate) out: PathBuf,
    /// The file of the public key to make.
    pub(crate) public: Option<PathBuf>,
    pub(crate) passphrase_file: Option<PathBuf>,
}

/// A key that was made.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct MadePerson {
    pub(crate) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<Role>,
    pub(crate) key_file: PathBuf,
    pub(crate) public_file: Option<PathBuf>,
    /// The public key in PEM, as it goes into a ceremony file.
    pub(crate) public_key: String,
    pub(crate) sha256: String,
}

impl fmt::Display for MadePerson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "The key of {} is made.", self.name)?;
        writeln!(f, "  Key file  {}", self.key_file.display())?;
        if let Some(file) = &self.public_file {
            writeln!(f, "  Public    {}", file.display())?;
        }
        writeln!(f, "  SHA-256   {}", fingerprint::aloud(&self.sha256))?;
        writeln!(f, "For the ceremony file:\n")?;
        writeln!(f, "[[person]]\nname = {}", toml::Value::from(self.name.as_str()))?;
        match self.role {
            Some(role) => writeln!(f, "role = \"{role}\"")?,
            None => writeln!(f, "# role = one of {}", Role::ALL.map(|(_, name)| name).join(", "))?,
        }
        write!(f, "key = \"\"\"\n{}\"\"\"", self.public_key)
    }
}

/// Makes a key on P-256.
pub(crate) fn create(wish: &PersonWish) -> Result<MadePerson, PersonError> {
    let PersonWish { name, role, out, public, passphrase_file } = wish;
    if !is_name(name) {
        return Err(PersonError::Name { name: name.clone() });
    }
    for path in [Some(out), public.as_ref()].into_iter().flatten() {
        new_file::check_free(path)?;
    }
    if public.as_ref() == Some(out) {
        return Err(NewFileError::Exists { path: out.clone() }.into());
    }
    let question = format!("{name}: new passphrase of your key");
    let passphrase = passphrase_entry::new(&question, passphrase_file.as_deref())?;
    let key = NewKeyFile::draw(Curve::P256, &passphrase, Iterations::default())?;
    let public_key = pem::encode_string("PUBLIC KEY", LineEnding::LF, key.public_key().spki_der())?;
    new_file::create(out, key.pem().as_bytes(), Readers::Owner)?;
    if let Some(path) = public {
        new_file::create(path, public_key.as_bytes(), Readers::Everybody)?;
    }
    Ok(MadePerson {
        name: name.clone(),
        role: *role,
        key_file: out.clone(),
        public_file: public.clone(),
        public_key,
        sha256: fingerprint::of(key.public_key().spki_der()),
    })
}

/// A person's key, ready to sign; every signature gets a second opinion.
#[derive(Debug)]
pub(crate) struct PersonKey {
    public_key: PublicKey,
    signer: SecondOpinion<FileSigner>,
}

impl PersonKey {
    /// Opens a key file; the passphrase is asked for at the terminal when no file with it is named.
    pub(crate) fn unlock(file: &Path, passphrase_file: Option<&Path>) -> Result<Self, PersonError> {
        let question = format!("Passphrase of the key {}", file.display());
        let passphrase = passphrase_entry::known(&question, passphrase_file)?;
        let signer = FileSigner::new();
        let public_key = signer.add_file(file, &passphrase)?;
        // What is signed amiss is put aside on the person's own medium.
        let medium = file.parent().unwrap_or_else(|| Path::new(""));
        Ok(Self { public_key, signer: SecondOpinion::on(signer, medium) })
    }

    /// Returns the public half.
    pub(crate) const fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// Returns what signs with it.
    pub(crate) const fn signer(&self) -> &dyn Signer {
        &self.signer
    }

    /// Signs octets.
    pub(crate) fn sign(&self, octets: &[u8]) -> Result<EcdsaSignature, SignError> {
        self.signer.sign(&self.public_key.key_ref(), octets)
    }
}

/// A key that opens and signs.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct CheckedPerson {
    pub(crate) key_file: PathBuf,
    pub(crate) sha256: String,
}

impl fmt::Display for CheckedPerson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "The key opens and signs.")?;
        writeln!(f, "  Key file  {}", self.key_file.display())?;
        write!(f, "  SHA-256   {}", fingerprint::aloud(&self.sha256))
    }
}

/// Opens a key and signs with it once, so that its holder knows before the ceremony that both work.
pub(crate) fn check(file: &Path, passphrase_file: Option<&Path>) -> Result<CheckedPerson, PersonError> {
    let key = PersonKey::unlock(file, passphrase_file)?;
    let mut octets = [0; 32];
    SystemEntropy.fill(&mut octets)?;
    key.sign(&octets)?;
    Ok(CheckedPerson { key_file: file.to_owned(), sha256: fingerprint::of(key.public_key().spki_der()) })
}

/// Reads the public key of a person from a PEM file (RFC 7468 §13).
pub(crate) fn load_public_key(file: &Path) -> Result<PublicKey, ReadPublicKeyError> {
    let octets =
        fs::read(file).map_err(|cause| ReadPublicKeyError::Unreadable { file: file.to_owned(), cause })?;
    let not_one = || ReadPublicKeyError::NoPem { file: file.to_owned() };
    let (label, der) = pem::decode_vec(&octets).map_err(|_| not_one())?;
    if label != "PUBLIC KEY" {
        return Err(not_one());
    }
    PublicKey::from_spki_der(&der).map_err(|cause| ReadPublicKeyError::NoKey { file: file.to_owned(), cause })
}

/// Why there is no public key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadPublicKeyError {
    /// The operating system refuses.
    #[error("the public key {file} cannot be read: {cause}", file = file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
    /// Something else.
    #[error("{file} holds no PEM text with a PUBLIC KEY", file = file.display())]
    NoPem {
        /// The file.
        file: PathBuf,
    },
    /// A key that is not taken.
    #[error("the public key {file} is refused: {cause}", file = file.display())]
    NoKey {
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        cause: PublicKeyError,
    },
}

impl Explained for ReadPublicKeyError {
    fn exit(&self) -> Exit {
        match self {
            Self::Unreadable { cause, .. } => new_file::exit_of(cause),
            Self::NoPem { .. } | Self::NoKey { .. } => Exit::Usage,
        }
    }

    fn code(&self) -> &'static str {
        "person.public-key"
    }

    fn next(&self) -> String {
        "name the file that offline-root person create wrote with --public".to_owned()
    }
}

/// Why a person's key was not made or not opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PersonError {
    /// The name cannot stand in a line.
    #[error("{name:?} is no name: 1 to 64 characters in one line, single spaces inside only")]
    Name {
        /// The name.
        name: String,
    },
    /// A file was not written.
    #[error(transparent)]
    NotWritten(#[from] NewFileError),
    /// There is no passphrase.
    #[error(transparent)]
    Passphrase(#[from] EnterPassphraseError),
    /// The key could not be drawn or encrypted.
    #[error(transparent)]
    NotMade(#[from] EncryptKeyError),
    /// The public key cannot be written as text.
    #[error("the public key cannot be written as text: {0}")]
    Text(#[from] pem::Error),
    /// The key file does not give a key.
    #[error(transparent)]
    NotOpened(#[from] ReadKeyError),
    /// No random octets.
    #[error(transparent)]
    Randomness(#[from] Unavailable),
    /// The key does not sign.
    #[error(transparent)]
    NotSigned(#[from] SignError),
}

impl PersonError {
    const fn is_wrong_passphrase(&self) -> bool {
        matches!(
            self,
            Self::NotOpened(ReadKeyError::NotOpened { cause: DecryptKeyError::WrongPassphrase, .. })
        )
    }
}

impl Explained for PersonError {
    fn exit(&self) -> Exit {
        match self {
            Self::Name { .. } => Exit::Usage,
            Self::NotWritten(error) => error.exit(),
            Self::Passphrase(error) => error.exit(),
            Self::NotMade(_) | Self::Text(_) => Exit::Failed,
            Self::NotOpened(ReadKeyError::File(PrivatePathError::Missing { .. })) => Exit::NotFound,
            Self::NotOpened(_) => Exit::Permission,
            Self::Randomness(_) | Self::NotSigned(_) => Exit::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        if self.is_wrong_passphrase() {
            return "secret.wrong";
        }
        match self {
            Self::Name { .. } => "person.name",
            Self::NotWritten(error) => error.code(),
            Self::Passphrase(error) => error.code(),
            Self::NotMade(_) | Self::Text(_) => "key.not-made",
            Self::NotOpened(_) => "key.unreadable",
            Self::Randomness(_) | Self::NotSigned(_) => "signer.unavailable",
        }
    }

    fn next(&self) -> String {
        if self.is_wrong_passphrase() {
            return "have its holder type the passphrase again".to_owned();
        }
        match self {
            Self::Name { .. } => "correct --name".to_owned(),
            Self::NotWritten(error) => error.next(),
            Self::Passphrase(error) => error.next(),
            Self::NotMade(_) | Self::Text(_) | Self::Randomness(_) | Self::NotSigned(_) => {
                "sign nothing on this machine, and have it examined".to_owned()
            }
            Self::NotOpened(_) => "check the name and the mode (chmod 0600) of the key file".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_stand_in_a_line() {
        for name in ["Anna", "Anna B. Example", "Ω", &"x".repeat(64)] {
            assert!(is_name(name), "{name}");
        }
        for name in
            ["", " Anna", "Anna ", "Anna  B", "Anna\tB", "Anna\nB", "Anna\u{a0}B", "\u{7f}", &"x".repeat(65)]
        {
            assert!(!is_name(name), "{name:?}");
        }
    }
}
