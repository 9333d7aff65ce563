//! A CRL to a file that readers see whole or not at all, and that is only ever replaced by a later one.
//!
//! One file for each line of CRLs of a CA in one folder, named by the CA's key, so that the CRLs of an old and a new key stand
//! side by side and any web server can serve them. What fails leaves the last good file where it is. A CRL is read in pieces, by
//! a reader that shares nothing with the code that made it. Makes no CRL, and serves none.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use ca_core::issuer::Issuer;
use ca_core::key_ref::KeyRef;
use ca_core::validity::UnixTime;

use crate::aside::{Aside, DiskError};
use crate::crl_reader::{ReadCrl, ReadCrlError};
use crate::document::Content;

/// Where CRLs of a CA stand, each in the place of the one before: below the folder, and below `/crl/`.
///
/// `<key>.crl` is the CRL of all that the key signed. What speaks of a part of it stands in `<key>/<part>.crl`, and deltas in
/// `….delta.crl`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CrlName {
    issuer: KeyRef,
    text: String,
}

impl CrlName {
    /// The CRL of all that a key signed.
    #[must_use]
    pub fn whole(issuer: &KeyRef) -> Self {
        Self { issuer: *issuer, text: format!("{issuer}.crl") }
    }

    /// Reads a name as it is written.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (key, rest) = text.split_at_checked(40)?;
        let issuer = KeyRef::parse(key)?;
        let rest = rest.strip_suffix(".crl")?;
        let rest = rest.strip_suffix(".delta").unwrap_or(rest);
        let is_name = |part: &str| {
            (1..=64).contains(&part.len())
                && part.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
        };
        // One way to write a key: in lower case.
        let sound =
            key == issuer.to_string() && (rest.is_empty() || rest.strip_prefix('/').is_some_and(is_name));
        sound.then(|| Self { issuer, text: text.to_owned() })
    }

    /// Returns the key that signs what stands there.
    #[must_use]
    pub const fn issuer(&self) -> &KeyRef {
        &self.issuer
    }

    /// Returns the path under which it is served.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/crl/{self}")
    }
}

impl fmt::Display for CrlName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A published CRL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedCrl {
    /// Its DER octets.
    pub content: Content,
    /// Its CRL number.
    pub number: u64,
    /// Its thisUpdate.
    pub this_update: UnixTime,
    /// Its nextUpdate.
    pub next_update: UnixTime,
    /// How many entries it has.
    pub entries: u64,
    scope: Scope,
}

/// Of what a CRL speaks: its issuing distribution point, and whether it is a delta.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Scope {
    issuing_distribution_point: Option<Vec<u8>>,
    delta: bool,
}

impl PublishedCrl {
    /// Reads a file with a CRL that `issuer` is said to have signed.
    fn read(mut file: File, issuer: &Issuer) -> Result<Self, UnfitCrl> {
        file.seek(SeekFrom::Start(0)).map_err(ReadCrlError::from)?;
        let crl = ReadCrl::read(&file, issuer.certificate().public_key(), |_| {}).map_err(UnfitCrl::from)?;
        // RFC 5280 §6.3.3 (f), (g): of this name, and signed with this key.
        if crl.issuer != issuer.name().der() {
            return Err(UnfitCrl::NotOfIssuer);
        }
        let scope = Scope {
            issuing_distribution_point: crl.issuing_distribution_point().map(<[u8]>::to_vec),
            delta: crl.base()?.is_some(),
        };
        Ok(Self {
            content: Content::of_file(file, crl.octets, crl.sha256).map_err(ReadCrlError::from)?,
            number: crl.number,
            this_update: crl.this_update,
            next_update: crl.next_update,
            entries: crl.entries,
            scope,
        })
    }
}

/// Why octets are not a CRL that may stand there.
#[derive(Debug, thiserror::Error)]
pub enum UnfitCrl {
    /// They cannot be read as one.
    #[error("{0}")]
    Unreadable(ReadCrlError),
    /// Another CA's, or changed after it was signed.
    #[error("the CRL was not signed by this CA, or was changed since")]
    NotOfIssuer,
}

impl From<ReadCrlError> for UnfitCrl {
    fn from(error: ReadCrlError) -> Self {
        if matches!(error, ReadCrlError::Signature) { Self::NotOfIssuer } else { Self::Unreadable(error) }
    }
}

/// The folder in which CRLs are published.
#[derive(Debug, Clone)]
pub struct CrlFolder {
    path: PathBuf,
}

impl CrlFolder {
    /// Takes a folder that exists.
    ///
    /// # Errors
    /// [`OpenFolderError`] when it does not, or is something else.
    pub fn open(path: &Path) -> Result<Self, OpenFolderError> {
        let found = fs::metadata(path).and_then(|metadata| {
            if metadata.is_dir() { Ok(()) } else { Err(io::ErrorKind::NotADirectory.into()) }
        });
        match found {
            Ok(()) => Ok(Self { path: path.to_owned() }),
            Err(cause) => Err(OpenFolderError { path: path.to_owned(), cause }),
        }
    }

    /// Returns the file in which CRLs stand.
    #[must_use]
    pub fn file_of(&self, name: &CrlName) -> PathBuf {
        self.path.join(name.to_string())
    }

    /// Returns the names of a CA under which something stands besides the CRL of all.
    #[must_use]
    pub fn parts_of(&self, issuer: &KeyRef) -> Vec<CrlName> {
        let names_in = |folder: PathBuf| {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            entries.filter_map(|entry| entry.file_name().into_string().ok())
        };
        let parts = names_in(self.path.join(issuer.to_string())).map(|name| format!("{issuer}/{name}"));
        let delta = std::iter::once(format!("{issuer}.delta.crl"));
        let delta = delta.filter(|name| self.path.join(name).exists());
        let mut names: Vec<CrlName> = parts.chain(delta).filter_map(|name| CrlName::parse(&name)).collect();
        names.sort();
        names
    }

    /// Reads the CRL that is published under a name, if there is one.
    ///
    /// # Errors
    /// [`ReadPublishedError`] when there is something, but not a CRL of this CA.
    pub fn published(
        &self,
        name: &CrlName,
        issuer: &Issuer,
    ) -> Result<Option<PublishedCrl>, ReadPublishedError> {
        let path = self.file_of(name);
        match File::open(&path) {
            Ok(file) => match PublishedCrl::read(file, issuer) {
                Ok(published) => Ok(Some(published)),
                Err(UnfitCrl::Unreadable(ReadCrlError::Octets(cause))) => {
                    Err(ReadPublishedError::Disk { path, cause })
                }
                Err(cause) => Err(ReadPublishedError::Unfit { path, cause }),
            },
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(ReadPublishedError::Disk { path, cause }),
        }
    }

    /// Publishes a CRL: written aside, read again, synced, renamed over the one before, the folder synced.
    ///
    /// Its number must exceed that of the one that is published, whoever published that one; publishing the same octets
    /// again changes nothing. Of several processes that publish at once, one is at work at a time.
    ///
    /// # Errors
    /// [`PublishError`]; the CRL that was published before stays.
    pub fn publish(
        &self,
        name: &CrlName,
        issuer: &Issuer,
        mut octets: impl Read,
    ) -> Result<PublishedCrl, PublishError> {
        let lock = File::create(self.path.join(format!(".{}.lock", name.issuer())));
        let lock = lock.map_err(DiskError::of("open the lock"))?;
        lock.lock().map_err(DiskError::of("take the lock"))?;
        let place = self.file_of(name);
        let folder = place.parent().unwrap_or(&self.path);
        fs::create_dir_all(folder).map_err(DiskError::of("make the folder of the parts"))?;
        let mut aside = Aside::begin(&place)?;
        io::copy(&mut octets, aside.file()).map_err(DiskError::of("write the new file"))?;
        let written = aside.file().try_clone().map_err(DiskError::of("read the new file"))?;
        let new = PublishedCrl::read(written, issuer)?;
        match self.published(name, issuer) {
            Ok(Some(published)) if published == new => return Ok(published),
            Ok(Some(published)) => check_follows(&new, &published)?,
            Ok(None) => {}
            // Whatever stands there is no CRL of this CA: a good one can only be better.
            Err(ReadPublishedError::Unfit { path, cause }) => {
                tracing::warn!(path = %path.display(), %cause, "replacing a file that is not a CRL of this CA");
            }
            Err(ReadPublishedError::Disk { cause, .. }) => {
                return Err(DiskError::of("read the published CRL")(cause).into());
            }
        }
        aside.put()?;
        Ok(new)
    }
}

fn check_follows(new: &PublishedCrl, published: &PublishedCrl) -> Result<(), PublishError> {
    // RFC 5280 §5.2.3: by their numbers users tell which of two CRLs supersedes the other.
    if new.number <= published.number {
        return Err(PublishError::NumberNotGreater { number: new.number, published: published.number });
    }
    // RFC 5280 §5.2.5: the scope of a CRL at one place does not change.
    if new.scope != published.scope {
        return Err(PublishError::OtherScope);
    }
    Ok(())
}

/// The folder for CRLs is not there.
#[derive(Debug, thiserror::Error)]
#[error("the folder {} for CRLs cannot be used: create it first, for this user to write to", path.display())]
pub struct OpenFolderError {
    /// Which.
    pub path: PathBuf,
    /// What the operating system says.
    #[source]
    pub cause: io::Error,
}

/// Why a published CRL cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadPublishedError {
    /// The file is not a CRL of the CA that it is named after.
    #[error("{} is not a CRL of its CA: {cause}", path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: UnfitCrl,
    },
    /// The disk does not give it.
    #[error("{} cannot be read", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
}

/// Why a CRL was not published. The one that was published before still is.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// Not a CRL of this CA.
    #[error("what is to be published is unfit: {0}")]
    Unfit(#[from] UnfitCrl),
    /// A later CRL is published, or another one with the same number.
    #[error("CRL {number} does not follow CRL {published}, which is published")]
    NumberNotGreater {
        /// The number of the new one.
        number: u64,
        /// The number of the published one.
        published: u64,
    },
    /// The issuing distribution point differs from that of the published one.
    #[error("the CRL has another issuing distribution point than the one that is published")]
    OtherScope,
    /// The disk refused.
    #[error("in the folder for CRLs: {0}")]
    Disk(#[from] DiskError),
}

impl PublishError {
    /// Returns the stable reason code: the label `why` of `pki_crl_publish_blocked_total`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unfit(_) => "publish.unfit",
            Self::NumberNotGreater { .. } => "publish.number",
            Self::OtherScope => "publish.scope",
            Self::Disk(_) => "publish.disk",
        }
    }
}
