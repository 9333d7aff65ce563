//! Combining: shares, each opened by its holder's passphrase, give the wrap key; or the one that is wrong is named.
//!
//! What can be told without a passphrase is told before anybody types one. The key is used only if it is the one that was
//! dealt.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::holder::Holder;
use super::share::{Head, ReadShareError, Share, Whose};
use super::share_set::{SetId, ShareSet};
use super::wrap_key::{Point, WrapKey};
use crate::explain::{Exit, Explained};
use crate::passphrase_entry::{self, EnterPassphraseError};

/// Share files, and where their passphrases are to be read from.
#[derive(Debug, Clone, Default)]
pub(crate) struct ShareSources {
    pub(crate) files: Vec<PathBuf>,
    /// In the order of `files`; asked for at the terminal, one after the other, when there are none.
    pub(crate) passphrase_files: Vec<PathBuf>,
}

/// A wrap key that is the one that was dealt, and who put it together.
#[derive(Debug)]
pub(crate) struct Combined {
    pub(crate) wrap_key: WrapKey,
    pub(crate) holders: Vec<Holder>,
}

/// A share that was checked.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct CheckedShare {
    pub(crate) number: u8,
    pub(crate) of: u8,
    pub(crate) threshold: u8,
    pub(crate) holder: String,
    pub(crate) set: String,
    /// Whether it was held against the set in force.
    pub(crate) in_force: bool,
}

impl fmt::Display for CheckedShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, of, threshold, holder, set, in_force } = self;
        writeln!(f, "The share is whole, and its passphrase opens it.")?;
        writeln!(f, "  Share   {number} of {of}, {threshold} needed")?;
        writeln!(f, "  Holder  {holder}")?;
        write!(f, "  Set     {set}")?;
        if *in_force {
            write!(f, ", in force for this root")
        } else {
            write!(f, "\nWhether it still opens the keys of a root is checked with --dir")
        }
    }
}

/// A share that fits the set, not yet opened.
struct Admitted {
    file: PathBuf,
    share: Share,
}

/// Puts the wrap key of a set together.
pub(crate) fn combine(set: &ShareSet, sources: &ShareSources) -> Result<Combined, CombineSharesError> {
    let ShareSources { files, passphrase_files } = sources;
    if !passphrase_files.is_empty() && passphrase_files.len() != files.len() {
        return Err(CombineSharesError::PassphraseFiles {
            files: passphrase_files.len(),
            shares: files.len(),
        });
    }
    let admitted = admit(set, files)?;
    let mut points = Vec::new();
    for (place, given) in admitted.iter().enumerate() {
        let question = format!("Passphrase of {}", given.share.whose());
        let passphrase =
            passphrase_entry::known(&question, passphrase_files.get(place).map(PathBuf::as_path))?;
        points.push(open(set, given, &passphrase)?);
    }
    let wrap_key = WrapKey::combine(set.threshold, &points)
        .filter(|key| key.commitment(set.id) == set.wrap_key)
        .ok_or(CombineSharesError::WrongKey)?;
    let holders = admitted.iter().map(|given| given.share.head().holder.clone()).collect();
    Ok(Combined { wrap_key, holders })
}

/// Checks one share with its passphrase: alone, or against the set it belongs to.
pub(crate) fn check(
    set: Option<&ShareSet>,
    file: &Path,
    passphrase_file: Option<&Path>,
) -> Result<CheckedShare, CombineSharesError> {
    let given = Admitted { file: file.to_owned(), share: load(set, file)? };
    if let Some(set) = set {
        fits(set, &given)?;
    }
    let question = format!("Passphrase of {}", given.share.whose());
    let passphrase = passphrase_entry::known(&question, passphrase_file)?;
    match set {
        Some(set) => open(set, &given, &passphrase).map(drop)?,
        None => given.share.open(&passphrase).map(drop).ok_or_else(|| wrong_passphrase(&given))?,
    }
    let Head { set: id, number, of, threshold, holder } = given.share.head();
    Ok(CheckedShare {
        number: *number,
        of: *of,
        threshold: *threshold,
        holder: holder.to_string(),
        set: id.to_string(),
        in_force: set.is_some(),
    })
}

/// Reads the shares. One that is wrong is told before it is told that there are too few.
fn admit(set: &ShareSet, files: &[PathBuf]) -> Result<Vec<Admitted>, CombineSharesError> {
    let mut admitted: Vec<Admitted> = Vec::new();
    for file in files {
        let given = Admitted { file: file.clone(), share: load(Some(set), file)? };
        fits(set, &given)?;
        let same = |other: &&Admitted| other.share.head().number == given.share.head().number;
        if let Some(first) = admitted.iter().find(same) {
            return Err(CombineSharesError::Repeated {
                whose: given.share.whose(),
                first: first.file.clone(),
                second: given.file,
            });
        }
        admitted.push(given);
    }
    let (given, needed) = (admitted.len(), usize::from(set.threshold));
    if given < needed {
        let here = |name: &String| admitted.iter().any(|given| given.share.head().holder.name() == name);
        let absent = set.holders().into_iter().filter(|name| !here(name)).collect();
        return Err(CombineSharesError::TooFew { given, needed, absent });
    }
    Ok(admitted)
}

fn load(set: Option<&ShareSet>, file: &Path) -> Result<Share, CombineSharesError> {
    Share::load(file).map_err(|error| match (error, set) {
        (ReadShareError::Altered { file, whose, line }, Some(set)) => {
            ReadShareError::Altered { file, whose: whose.completed_by(set), line }.into()
        }
        (error, _) => error.into(),
    })
}

/// The share says that it is one of this set, and the set says so too.
fn fits(set: &ShareSet, given: &Admitted) -> Result<(), CombineSharesError> {
    let head = given.share.head();
    let (file, whose) = (given.file.clone(), given.share.whose());
    if head.set != set.id {
        return Err(CombineSharesError::Foreign { file, whose, of: head.set, wanted: set.id });
    }
    let member = set.member(head.number).filter(|member| member.holder == head.holder);
    let same =
        member.is_some() && head.threshold == set.threshold && usize::from(head.of) == set.members().len();
    if same { Ok(()) } else { Err(CombineSharesError::Forged { file, whose }) }
}

/// Opens a share and holds it against the commitment.
fn open(
    set: &ShareSet,
    given: &Admitted,
    passphrase: &signer_file::Passphrase,
) -> Result<Point, CombineSharesError> {
    let point = given.share.open(passphrase).ok_or_else(|| wrong_passphrase(given))?;
    let dealt = set.member(point.number()).is_some_and(|member| member.share == point.commitment(set.id));
    if dealt {
        Ok(point)
    } else {
        Err(CombineSharesError::Forged { file: given.file.clone(), whose: given.share.whose() })
    }
}

fn wrong_passphrase(given: &Admitted) -> CombineSharesError {
    CombineSharesError::WrongPassphrase { file: given.file.clone(), whose: given.share.whose() }
}

/// Why shares give no wrap key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CombineSharesError {
    /// A file gives no share.
    #[error(transparent)]
    Read(#[from] ReadShareError),
    /// It is one of another set: of another root, or of before the shares were renewed.
    #[error("{whose} ({file}), belongs to set {of}; the keys are under set {wanted}", file = file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
        /// Whose share it is.
        whose: Whose,
        /// The set that it belongs to.
        of: SetId,
        /// The set in force.
        wanted: SetId,
    },
    /// The same share twice.
    #[error("{whose}, is given twice: in {first} and in {second}", first = first.display(), second = second.display())]
    Repeated {
        /// Whose share it is.
        whose: Whose,
        /// The first file.
        first: PathBuf,
        /// The second.
        second: PathBuf,
    },
    /// Not enough are there.
    #[error(
        "{given} of the {needed} shares that are needed are given: {missing} missing, of {absent}",
        missing = needed.saturating_sub(*given),
        absent = absent.join(", ")
    )]
    TooFew {
        /// How many there are.
        given: usize,
        /// How many are needed.
        needed: usize,
        /// Who else holds one.
        absent: Vec<String>,
    },
    /// There is not one for each share.
    #[error("{files} passphrase files are given for {shares} shares")]
    PassphraseFiles {
        /// How many files.
        files: usize,
        /// How many shares.
        shares: usize,
    },
    /// A passphrase cannot be had.
    #[error(transparent)]
    Passphrase(#[from] EnterPassphraseError),
    /// The holder typed another one.
    #[error("the passphrase does not open {whose} ({file})", file = file.display())]
    WrongPassphrase {
        /// The file.
        file: PathBuf,
        /// Whose share it is.
        whose: Whose,
    },
    /// It names the set, opens, and is still none of it.
    #[error("{whose} ({file}), is not the one that was dealt", file = file.display())]
    Forged {
        /// The file.
        file: PathBuf,
        /// Whose share it is.
        whose: Whose,
    },
    /// All shares are right, and the key is not: the description is wrong in itself.
    #[error("the shares are those that were dealt, and do not give the key that was split")]
    WrongKey,
}

impl Explained for CombineSharesError {
    fn exit(&self) -> Exit {
        match self {
            Self::Read(error) => error.exit(),
            Self::Foreign { .. }
            | Self::Repeated { .. }
            | Self::TooFew { .. }
            | Self::WrongPassphrase { .. } => Exit::Permission,
            Self::PassphraseFiles { .. } => Exit::Usage,
            Self::Passphrase(error) => error.exit(),
            Self::Forged { .. } | Self::WrongKey => Exit::Integrity,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Read(error) => error.code(),
            Self::Foreign { .. } => "share.foreign",
            Self::Repeated { .. } => "share.repeated",
            Self::TooFew { .. } => "share.too-few",
            Self::PassphraseFiles { .. } => "secret.unusable",
            Self::Passphrase(error) => error.code(),
            Self::WrongPassphrase { .. } => "secret.wrong",
            Self::Forged { .. } | Self::WrongKey => "share.forged",
        }
    }

    fn next(&self) -> String {
        match self {
            Self::Read(error) => error.next(),
            Self::Foreign { .. } => "take the share of the set in force, or check --dir".to_owned(),
            Self::Repeated { .. } => "take the share of somebody else instead of one of the two".to_owned(),
            Self::TooFew { .. } => "say --share-file FILE once for each share".to_owned(),
            Self::PassphraseFiles { .. } => {
                "give one passphrase file for each share, in their order, or none and have them typed"
                    .to_owned()
            }
            Self::Passphrase(error) => error.next(),
            Self::WrongPassphrase { .. } => {
                "have its holder type it again, or take the share of somebody else".to_owned()
            }
            Self::Forged { .. } => {
                "stop: find out where this share comes from; the shares of the others are not affected"
                    .to_owned()
            }
            Self::WrongKey => "stop, sign nothing, and compare the directory with its copies".to_owned(),
        }
    }
}
