//! A CRL to a file that readers see whole or not at all, and that is only ever replaced by a later one.
//!
//! One file per CA in one folder, named by the CA's key, so that the CRLs of an old and a new key stand side by side and any
//! web server can serve them; those of shards in a folder of that name beside it. What fails leaves the last good file where
//! it is. Makes no CRL, and serves none.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use ca_core::crl::parsed::{ParsedCrl, ReadCrlError, VerifyCrlError};
use ca_core::issuer::Issuer;
use ca_core::key_ref::KeyRef;
use ca_core::octets::Octets;
use ca_core::oid;
use ca_core::scope::{CrlKind, CrlLine, CrlScope, Shard};
use ca_core::validity::UnixTime;

/// A published CRL.
#[derive(Debug, Clone)]
pub struct PublishedCrl {
    /// Its DER octets: of a published one those of the file as it was opened, whatever is renamed over it meanwhile.
    pub octets: Octets,
    /// Its CRL number.
    pub number: u64,
    /// Its thisUpdate.
    pub this_update: UnixTime,
    /// Its nextUpdate.
    pub next_update: UnixTime,
    /// The number of the complete CRL that it is a delta to.
    pub base: Option<u64>,
}

impl PublishedCrl {
    /// Reads the octets of a CRL that `issuer` is said to have signed.
    fn read(octets: Octets, issuer: &Issuer) -> Result<Self, UnfitCrl> {
        let crl = ParsedCrl::read(&octets)?;
        // RFC 5280 §6.3.3 (f), (g): of this name, and signed with this key.
        let named = crl.tbs().issuer() == issuer.name().der();
        match crl.verify(issuer.certificate().public_key()) {
            Ok(()) if named => {}
            Ok(()) | Err(VerifyCrlError::BadSignature(_)) => return Err(UnfitCrl::NotOfIssuer),
            Err(VerifyCrlError::Octets(error)) => return Err(ReadCrlError::from(error).into()),
        }
        let (this_update, next_update) = crl.tbs().period()?;
        let (number, base) = (crl.tbs().number()?, crl.tbs().base());
        Ok(Self { number, octets, this_update, next_update, base })
    }

    fn issuing_distribution_point(&self) -> Option<Vec<u8>> {
        let crl = ParsedCrl::read(&self.octets).ok()?;
        crl.tbs().extension(oid::ISSUING_DISTRIBUTION_POINT).map(<[u8]>::to_vec)
    }
}

/// Why octets are not a CRL that may stand there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnfitCrl {
    /// They cannot be read as one.
    #[error(transparent)]
    Unreadable(#[from] ReadCrlError),
    /// Another CA's, or changed after it was signed.
    #[error("the CRL was not signed by this CA, or was changed since")]
    NotOfIssuer,
    /// Of another scope, or a delta where complete ones stand, or the other way round.
    #[error("the CRL is of another scope, or a delta among complete ones, or complete among deltas")]
    OtherLine,
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

    /// Returns the file in which the CRLs of a line are published: the 40 hexadecimal characters of its key, and `.crl` for the
    /// complete CRL of all; the others [beside](CrlLine::beside) it.
    #[must_use]
    pub fn file_of(&self, line: &CrlLine) -> PathBuf {
        self.path.join(line.beside(&format!("{}.crl", line.issuer)))
    }

    /// Lists the lines of a CA of which something is published.
    ///
    /// # Errors
    /// [`ReadPublishedError::Disk`].
    pub fn lines(&self, issuer: &KeyRef) -> Result<Vec<CrlLine>, ReadPublishedError> {
        let mut scopes = vec![CrlScope::All];
        let path = self.path.join(issuer.to_string());
        let names = fs::read_dir(&path).and_then(|files| {
            files.map(|file| file.map(|file| file.file_name())).collect::<io::Result<Vec<_>>>()
        });
        match names {
            Ok(names) => {
                let named = |name: &OsString| Shard::parse(name.to_str()?.strip_suffix(".crl")?).ok();
                scopes.extend(names.iter().filter_map(named).map(CrlScope::Shard));
            }
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            Err(cause) => return Err(ReadPublishedError::Disk { path, cause }),
        }
        let both = scopes
            .into_iter()
            .flat_map(|scope| [CrlLine::complete(*issuer, scope.clone()), CrlLine::delta(*issuer, scope)]);
        Ok(both.filter(|line| self.file_of(line).exists()).collect())
    }

    /// Reads the CRL of all that is published for a CA, if there is one.
    ///
    /// # Errors
    /// [`ReadPublishedError`] when there is something, but not a CRL of this CA.
    pub fn published(&self, issuer: &Issuer) -> Result<Option<PublishedCrl>, ReadPublishedError> {
        self.published_in(issuer, &CrlLine::complete(issuer.key(), CrlScope::All))
    }

    /// Reads the CRL that is published in a line of a CA, if there is one.
    ///
    /// # Errors
    /// [`ReadPublishedError`] when there is something, but not a CRL of this line.
    pub fn published_in(
        &self,
        issuer: &Issuer,
        line: &CrlLine,
    ) -> Result<Option<PublishedCrl>, ReadPublishedError> {
        let path = self.file_of(line);
        let disk = |path, cause| ReadPublishedError::Disk { path, cause };
        let octets = match open_octets(&path) {
            Ok(octets) => octets,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(disk(path, cause)),
        };
        match PublishedCrl::read(octets, issuer) {
            Ok(published) => Ok(Some(published)),
            Err(UnfitCrl::Unreadable(ReadCrlError::Octets(cause))) => {
                Err(disk(path, io::Error::other(cause)))
            }
            Err(cause) => Err(ReadPublishedError::Unfit { path, cause }),
        }
    }

    /// Publishes a complete CRL of all, as [`publish_in`](Self::publish_in).
    ///
    /// # Errors
    /// [`PublishError`]; the CRL that was published before stays.
    pub fn publish(&self, issuer: &Issuer, octets: &Octets) -> Result<PublishedCrl, PublishError> {
        self.publish_in(issuer, &CrlLine::complete(issuer.key(), CrlScope::All), octets)
    }

    /// Publishes a CRL in its line: written aside, synced, renamed over the one before, the folder synced.
    ///
    /// Its number must exceed that of the one that is published, whoever published that one; publishing the same octets
    /// again changes nothing. The base of a delta must be the complete CRL that is published. Of several processes that
    /// publish at once, one is at work at a time.
    ///
    /// # Errors
    /// [`PublishError`]; the CRL that was published before stays.
    pub fn publish_in(
        &self,
        issuer: &Issuer,
        line: &CrlLine,
        octets: &Octets,
    ) -> Result<PublishedCrl, PublishError> {
        let new = PublishedCrl::read(octets.clone(), issuer)?;
        check_line(octets, issuer, line)?;
        let disk = |act| move |cause| PublishError::Disk { act, cause };
        let lock = self.path.join(format!(".{}.lock", issuer.key()));
        let lock = File::create(lock).map_err(disk("open the lock"))?;
        lock.lock().map_err(disk("take the lock"))?;
        match self.published_in(issuer, line) {
            Ok(Some(published)) if same(&published, &new)? => return Ok(published),
            Ok(Some(published)) => check_follows(&new, &published)?,
            Ok(None) => {}
            // Whatever stands there is no CRL of this line: a good one can only be better.
            Err(ReadPublishedError::Unfit { path, cause }) => {
                tracing::warn!(path = %path.display(), %cause, "replacing a file that is not a CRL of this place");
            }
            Err(ReadPublishedError::Disk { cause, .. }) => return Err(disk("read the published CRL")(cause)),
        }
        if let Some(base) = new.base {
            let complete =
                self.published_in(issuer, &line.base()).ok().flatten().map(|complete| complete.number);
            // RFC 5280 §5.2.4: the base is a CRL that was published.
            if complete != Some(base) {
                return Err(PublishError::NotItsBase { base, published: complete });
            }
        }
        let octets = self.replace(&self.file_of(line), octets).map_err(|(act, cause)| disk(act)(cause))?;
        Ok(PublishedCrl { octets, ..new })
    }

    /// Copies the octets page by page; returns them as they stand in the new file.
    fn replace(&self, file: &Path, octets: &Octets) -> Result<Octets, (&'static str, io::Error)> {
        let folder = file.parent().unwrap_or(&self.path);
        if folder != self.path && !folder.is_dir() {
            fs::create_dir(folder).map_err(|cause| ("create the folder of the shards", cause))?;
            sync_folder(&self.path)?;
        }
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let aside = folder.join(format!(".{name}.new"));
        let mut new = File::create(&aside).map_err(|cause| ("create the new file", cause))?;
        for page in octets.pages() {
            let page = page.map_err(|cause| ("read what is to be published", io::Error::other(cause)))?;
            new.write_all(&page).map_err(|cause| ("write the new file", cause))?;
        }
        new.sync_all().map_err(|cause| ("sync the new file", cause))?;
        let written = open_octets(&aside).map_err(|cause| ("open the new file", cause))?;
        fs::rename(&aside, file).map_err(|cause| ("rename the new file", cause))?;
        sync_folder(folder)?;
        Ok(written)
    }
}

fn sync_folder(path: &Path) -> Result<(), (&'static str, io::Error)> {
    let folder = File::open(path).map_err(|cause| ("open the folder", cause))?;
    folder.sync_all().map_err(|cause| ("sync the folder", cause))
}

/// RFC 5280 §5.2.4, §5.2.5: whole or a delta, and of the scope that it says itself.
fn check_line(octets: &Octets, issuer: &Issuer, line: &CrlLine) -> Result<(), UnfitCrl> {
    let crl = ParsedCrl::read(octets)?;
    let place = match &line.scope {
        CrlScope::All => None,
        // A shard without a place would be the CRL of all.
        CrlScope::Shard(_) => Some(issuer.crl_uri(&line.scope).ok_or(UnfitCrl::OtherLine)?),
    };
    let of_line = crl.tbs().place() == place && crl.tbs().is_delta() == (line.kind == CrlKind::Delta);
    if of_line { Ok(()) } else { Err(UnfitCrl::OtherLine) }
}

/// The octets of a file as it is now.
fn open_octets(path: &Path) -> io::Result<Octets> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    Ok(Octets::read_by(length, move |offset, page| file.read_at(page, offset)))
}

fn same(published: &PublishedCrl, new: &PublishedCrl) -> Result<bool, PublishError> {
    let act = "compare with the published CRL";
    let disk = |cause| PublishError::Disk { act, cause: io::Error::other(cause) };
    published.octets.same_as(&new.octets).map_err(disk)
}

fn check_follows(new: &PublishedCrl, published: &PublishedCrl) -> Result<(), PublishError> {
    // RFC 5280 §5.2.3: by their numbers users tell which of two CRLs supersedes the other.
    if new.number <= published.number {
        return Err(PublishError::NumberNotGreater { number: new.number, published: published.number });
    }
    // RFC 5280 §5.2.5: the scope of a CRL at one place does not change.
    if new.issuing_distribution_point() != published.issuing_distribution_point() {
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
    /// The disk refused.
    #[error("cannot {act} in the folder for CRLs")]
    Disk {
        /// What was tried.
        act: &'static str,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
}

impl PublishError {
    /// Returns the stable reason code: the label `why` of `pki_crl_publish_blocked_total`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unfit(_) => "publish.unfit",
            Self::NumberNotGreater { .. } => "publish.number",
            Self::OtherScope => "publish.scope",
            Self::NotItsBase { .. } => "publish.base",
            Self::Disk { .. } => "publish.disk",
        }
    }
}
