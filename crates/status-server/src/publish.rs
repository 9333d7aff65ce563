//! A CRL to a file that readers see whole or not at all, and that is only ever replaced by a later one.
//!
//! One file for each line of CRLs of a CA in one folder, named by the CA's key, so that the CRLs of an old and a new key stand
//! side by side and any web server can serve them. What fails leaves the last good file where it is. A CRL is read in pieces, by
//! a reader that shares nothing with the code that made it. Makes no CRL, and serves none.

mod kept;

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use ca_core::issuer::Issuer;
use ca_core::key_ref::KeyRef;
use ca_core::scope::{CrlKind, CrlLine, CrlScope, Shard};
use ca_core::serial_number::SerialNumber;
use ca_core::validity::UnixTime;
use der::Decode;
use x509_cert::ext::pkix::IssuingDistributionPoint;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};

use crate::aside::{Aside, DiskError};
use crate::crl_reader::{ReadCrl, ReadCrlError, ReadEntry};
use crate::document::Content;
use kept::Kept;
pub use kept::{Gone, Leaves};

/// Returns where the CRLs of a line stand, below the folder and below `/crl/`: the 40 hexadecimal characters of its key, and
/// `.crl` for the complete CRL of all; the others [beside](CrlLine::beside) it.
#[must_use]
pub fn name_of(line: &CrlLine) -> String {
    line.beside(&format!("{}.crl", line.issuer))
}

/// Reads a name as [`name_of`] writes it, and in no other spelling.
#[must_use]
pub fn line_named(name: &str) -> Option<CrlLine> {
    let (key, rest) = name.split_at_checked(40)?;
    let issuer = KeyRef::parse(key)?;
    let rest = rest.strip_suffix(".crl")?;
    let (rest, kind) =
        rest.strip_suffix(".delta").map_or((rest, CrlKind::Complete), |rest| (rest, CrlKind::Delta));
    let scope = if rest.is_empty() {
        CrlScope::All
    } else {
        CrlScope::Shard(Shard::parse(rest.strip_prefix('/')?).ok()?)
    };
    Some(CrlLine { issuer, scope, kind }).filter(|line| name_of(line) == name)
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
    /// The number of the complete CRL that it is a delta to.
    pub base: Option<u64>,
    issuing_distribution_point: Option<Vec<u8>>,
}

impl PublishedCrl {
    /// Reads a file with a CRL that `issuer` is said to have signed, and tells `each` of every entry.
    fn read(mut file: File, issuer: &Issuer, each: impl FnMut(&ReadEntry<'_>)) -> Result<Self, UnfitCrl> {
        file.seek(SeekFrom::Start(0)).map_err(ReadCrlError::from)?;
        let crl = ReadCrl::read(&file, issuer.certificate().public_key(), each).map_err(UnfitCrl::from)?;
        // RFC 5280 §6.3.3 (f), (g): of this name, and signed with this key.
        if crl.issuer != issuer.name().der() {
            return Err(UnfitCrl::NotOfIssuer);
        }
        Ok(Self {
            content: Content::of_file(file, crl.octets, crl.sha256).map_err(ReadCrlError::from)?,
            number: crl.number,
            this_update: crl.this_update,
            next_update: crl.next_update,
            entries: crl.entries,
            base: crl.base()?,
            issuing_distribution_point: crl.issuing_distribution_point().map(<[u8]>::to_vec),
        })
    }

    /// RFC 5280 §5.2.4, §5.2.5: whole or a delta, and of the scope that it says itself.
    fn check_line(&self, issuer: &Issuer, line: &CrlLine) -> Result<(), UnfitCrl> {
        let place = match &line.scope {
            CrlScope::All => None,
            // A shard without a place would be the CRL of all.
            CrlScope::Shard(_) => Some(issuer.crl_uri(&line.scope).ok_or(UnfitCrl::OtherLine)?),
        };
        let said = self.issuing_distribution_point.as_deref().and_then(place_in);
        let of_line = said == place && self.base.is_some() == (line.kind == CrlKind::Delta);
        if of_line { Ok(()) } else { Err(UnfitCrl::OtherLine) }
    }
}

/// Returns the URI that an issuing distribution point names, if it names one (RFC 5280 §5.2.5).
fn place_in(point: &[u8]) -> Option<String> {
    let point = IssuingDistributionPoint::from_der(point).ok()?;
    let DistributionPointName::FullName(names) = point.distribution_point? else { return None };
    names.into_iter().find_map(|name| {
        if let GeneralName::UniformResourceIdentifier(uri) = name { Some(uri.to_string()) } else { None }
    })
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
    /// Of another scope, or a delta where complete ones stand, or the other way round.
    #[error("the CRL is of another scope, or a delta among complete ones, or complete among deltas")]
    OtherLine,
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

    /// Returns the file in which the CRLs of a line are published.
    #[must_use]
    pub fn file_of(&self, line: &CrlLine) -> PathBuf {
        self.path.join(name_of(line))
    }

    /// Returns the lines of a CA of which something is published.
    #[must_use]
    pub fn lines(&self, issuer: &KeyRef) -> Vec<CrlLine> {
        let names_in = |folder: PathBuf| {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            entries.filter_map(|entry| entry.file_name().into_string().ok())
        };
        let of_shards = names_in(self.path.join(issuer.to_string())).map(|name| format!("{issuer}/{name}"));
        let of_all = [CrlLine::complete(*issuer, CrlScope::All), CrlLine::delta(*issuer, CrlScope::All)];
        let of_all = of_all.into_iter().filter(|line| self.file_of(line).exists());
        let mut lines: Vec<CrlLine> = of_shards.filter_map(|name| line_named(&name)).chain(of_all).collect();
        lines.sort();
        lines
    }

    /// Reads the CRL that is published in a line of a CA, if there is one.
    ///
    /// # Errors
    /// [`ReadPublishedError`] when there is something, but not a CRL of this CA.
    pub fn published(
        &self,
        line: &CrlLine,
        issuer: &Issuer,
    ) -> Result<Option<PublishedCrl>, ReadPublishedError> {
        self.read_published(line, issuer, |_| {})
    }

    /// Reads it, and tells `each` of every entry: before it is known whose they are.
    fn read_published(
        &self,
        line: &CrlLine,
        issuer: &Issuer,
        each: impl FnMut(&ReadEntry<'_>),
    ) -> Result<Option<PublishedCrl>, ReadPublishedError> {
        let path = self.file_of(line);
        match File::open(&path) {
            Ok(file) => match PublishedCrl::read(file, issuer, each) {
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

    /// Publishes a CRL in its line: written aside, read again, synced, renamed over the one before, the folder synced.
    ///
    /// Its number must exceed that of the one that is published, whoever published that one; publishing the same octets
    /// again changes nothing. The base of a delta must be the complete CRL that is published. Of several processes that
    /// publish at once, one is at work at a time.
    ///
    /// # Errors
    /// [`PublishError`]; the CRL that was published before stays.
    pub fn publish(
        &self,
        line: &CrlLine,
        issuer: &Issuer,
        octets: impl Read,
    ) -> Result<PublishedCrl, PublishError> {
        self.publish_where(line, issuer, octets, &|_| true)
    }

    /// Publishes a CRL as [`publish`](Self::publish) does, if each entry of the published complete CRL that it lacks may leave.
    ///
    /// # Errors
    /// [`PublishError`]; the CRL that was published before stays.
    pub fn publish_where(
        &self,
        line: &CrlLine,
        issuer: &Issuer,
        mut octets: impl Read,
        leaves: Leaves<'_>,
    ) -> Result<PublishedCrl, PublishError> {
        let lock = File::create(self.path.join(format!(".{}.lock", line.issuer)));
        let lock = lock.map_err(DiskError::of("open the lock"))?;
        lock.lock().map_err(DiskError::of("take the lock"))?;
        let place = self.file_of(line);
        let folder = place.parent().unwrap_or(&self.path);
        fs::create_dir_all(folder).map_err(DiskError::of("make the folder of the shards"))?;
        let mut aside = Aside::begin(&place)?;
        io::copy(&mut octets, aside.file()).map_err(DiskError::of("write the new file"))?;
        let written = aside.file().try_clone().map_err(DiskError::of("read the new file"))?;
        let new = PublishedCrl::read(written, issuer, |_| {})?;
        new.check_line(issuer, line)?;
        let complete = line.kind == CrlKind::Complete;
        let mut kept = Kept::beside(&new, leaves)?;
        let compare = |entry: &ReadEntry<'_>| {
            if complete {
                kept.take(entry);
            }
        };
        match self.read_published(line, issuer, compare) {
            Ok(Some(published)) if published == new => return Ok(published),
            Ok(Some(published)) => {
                check_follows(&new, &published)?;
                if complete {
                    kept.finish(&published)?;
                }
            }
            Ok(None) => {}
            // Whatever stands there is no CRL of this CA: a good one can only be better.
            Err(ReadPublishedError::Unfit { path, cause }) => {
                tracing::warn!(path = %path.display(), %cause, "replacing a file that is not a CRL of this CA");
            }
            Err(ReadPublishedError::Disk { cause, .. }) => {
                return Err(DiskError::of("read the published CRL")(cause).into());
            }
        }
        self.check_base(&new, line, issuer)?;
        aside.put()?;
        Ok(new)
    }

    /// RFC 5280 §5.2.4: the base of a delta is a CRL that was published.
    fn check_base(&self, new: &PublishedCrl, line: &CrlLine, issuer: &Issuer) -> Result<(), PublishError> {
        let Some(base) = new.base else { return Ok(()) };
        let published = self.published(&line.base(), issuer).ok().flatten().map(|complete| complete.number);
        if published == Some(base) { Ok(()) } else { Err(PublishError::NotItsBase { base, published }) }
    }
}

fn check_follows(new: &PublishedCrl, published: &PublishedCrl) -> Result<(), PublishError> {
    // RFC 5280 §5.2.3: by their numbers users tell which of two CRLs supersedes the other.
    if new.number <= published.number {
        return Err(PublishError::NumberNotGreater { number: new.number, published: published.number });
    }
    // RFC 5280 §5.2.5: the scope of a CRL at one place does not change.
    if new.issuing_distribution_point != published.issuing_distribution_point {
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
    /// The CRL that a delta builds on is not the one that is published.
    #[error("the delta builds on CRL {base}, and {} is published", published.map_or_else(|| "none".to_owned(), |number| format!("CRL {number}")))]
    NotItsBase {
        /// What it builds on.
        base: u64,
        /// The number of the complete CRL that is published.
        published: Option<u64>,
    },
    /// Entries of the published one are missing, and nothing says that they may.
    #[error(
        "the CRL lacks {missing} of the {published} entries of the one that is published, whose certificates have not ended and \
         were not released, such as {first}"
    )]
    EntriesVanished {
        /// How many.
        missing: u64,
        /// How many the published one has.
        published: u64,
        /// The serial number of the first of them.
        first: SerialNumber,
    },
    /// The disk refused.
    #[error("in the folder for CRLs: {0}")]
    Disk(#[from] DiskError),
}

impl PublishError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unfit(_) => "publish.unfit",
            Self::NumberNotGreater { .. } => "publish.number",
            Self::OtherScope => "publish.scope",
            Self::NotItsBase { .. } => "publish.base",
            Self::EntriesVanished { .. } => "publish.entries-vanished",
            Self::Disk(_) => "publish.disk",
        }
    }
}
