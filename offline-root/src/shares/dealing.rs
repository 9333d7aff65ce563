//! Dealing: a new wrap key, a share of it for each holder, sealed under the holder's own passphrase.
//!
//! Everything that can be wrong is looked for before anything is drawn, and everything is in memory until it is written: the
//! shares first, each in a new file that is read back, then the public description.

use std::fmt;
use std::path::PathBuf;

use ca_core::ports::Unavailable;
use serde::Serialize;
use signer_file::{Iterations, Passphrase, SealSecretError};

use super::holder::Holder;
use super::share::{Head, Share};
use super::share_set::{Member, SetId, ShareSet, digest_of};
use super::shelf::{SetDirectory, ShelfError};
use super::wrap_key::WrapKey;
use crate::explain::{Exit, Explained};
use crate::fingerprint;
use crate::new_file::{self, NewFileError, Readers};
use crate::passphrase_entry::{self, EnterPassphraseError};
use crate::person::{self, ReadPublicKeyError};

/// The most shares that are dealt.
const MOST: usize = 16;

/// Who is to hold shares.
#[derive(Debug, Clone)]
pub(crate) struct DealWish {
    pub(crate) holders: Vec<HolderWish>,
    /// How many shares give the key.
    pub(crate) threshold: u8,
    /// Files with the passphrases of the shares, in the order of the holders; asked for at the terminal when there are none.
    pub(crate) passphrase_files: Vec<PathBuf>,
}

/// Who is to hold one share.
#[derive(Debug, Clone)]
pub(crate) struct HolderWish {
    pub(crate) name: String,
    /// PEM file of the person's public key.
    pub(crate) key: PathBuf,
    /// The share file to make.
    pub(crate) out: PathBuf,
}

/// Shares that were dealt; nothing was written yet.
#[derive(Debug)]
pub(crate) struct Dealt {
    wrap_key: WrapKey,
    set: ShareSet,
    shares: Vec<(PathBuf, Share)>,
}

/// What was written of a set.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DealtReport {
    pub(crate) set: String,
    pub(crate) threshold: u8,
    pub(crate) shares: Vec<DealtShare>,
    /// The public description.
    pub(crate) description: PathBuf,
    pub(crate) description_sha256: String,
}

/// One share file.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DealtShare {
    pub(crate) number: u8,
    pub(crate) holder: String,
    pub(crate) file: PathBuf,
}

impl fmt::Display for DealtReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "  Shares                set {}, any {} of them open the keys",
            self.set, self.threshold
        )?;
        for DealtShare { number, holder, file } in &self.shares {
            writeln!(f, "    {number:>2}                  {holder}: {}", file.display())?;
        }
        write!(f, "  Description SHA-256   {}", fingerprint::grouped(&self.description_sha256))
    }
}

/// Deals shares.
pub(crate) fn deal(wish: &DealWish) -> Result<Dealt, DealSharesError> {
    let holders = check(wish)?;
    let files = &wish.passphrase_files;
    let passphrases = holders
        .iter()
        .enumerate()
        .map(|(place, holder)| {
            let question = format!("{holder}: new passphrase of your share");
            passphrase_entry::new(&question, files.get(place).map(PathBuf::as_path))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let (wrap_key, set, shares) = split(wish.threshold, holders, &passphrases, Iterations::default())?;
    let outs = wish.holders.iter().map(|holder| holder.out.clone());
    Ok(Dealt { wrap_key, set, shares: outs.zip(shares).collect() })
}

fn check(wish: &DealWish) -> Result<Vec<Holder>, DealSharesError> {
    let DealWish { holders, threshold, passphrase_files } = wish;
    let of = holders.len();
    if *threshold < 2 || usize::from(*threshold) > of || of > MOST {
        return Err(DealSharesError::Quorum { threshold: *threshold, of });
    }
    if !passphrase_files.is_empty() && passphrase_files.len() != of {
        return Err(DealSharesError::PassphraseFiles { files: passphrase_files.len(), of });
    }
    let mut known: Vec<Holder> = Vec::new();
    for (place, HolderWish { name, key, out }) in holders.iter().enumerate() {
        let holder = Holder::new(name, &person::load_public_key(key)?)
            .ok_or_else(|| DealSharesError::Name { name: name.clone() })?;
        // whoever holds two shares counts twice.
        if let Some(other) = known.iter().find(|other| other.is_same_person(&holder)) {
            return Err(DealSharesError::SamePerson { first: other.to_string(), second: name.clone() });
        }
        known.push(holder);
        new_file::check_free(out)?;
        if holders.iter().take(place).any(|other| other.out == *out) {
            return Err(NewFileError::Exists { path: out.clone() }.into());
        }
    }
    Ok(known)
}

/// Draws a key, splits it, seals the points and sees to it that the shares give the key again.
pub(super) fn split(
    threshold: u8,
    holders: Vec<Holder>,
    passphrases: &[Passphrase],
    iterations: Iterations,
) -> Result<(WrapKey, ShareSet, Vec<Share>), DealSharesError> {
    let id = SetId::draw()?;
    let wrap_key = WrapKey::draw()?;
    let of = u8::try_from(holders.len()).unwrap_or(u8::MAX);
    let points = wrap_key.split(threshold, of);
    let (mut members, mut shares) = (Vec::new(), Vec::new());
    for ((point, holder), passphrase) in points.iter().zip(holders).zip(passphrases) {
        let number = point.number();
        members.push(Member { number, holder: holder.clone(), share: point.commitment(id) });
        let head = Head { set: id, number, of, threshold, holder };
        let share = Share::seal(head, point, passphrase, iterations)?;
        let opened = share.open(passphrase).is_some_and(|opened| opened.octets() == point.octets());
        shares.push(share);
        if !opened {
            return Err(DealSharesError::NotSound);
        }
    }
    let commitment = wrap_key.commitment(id);
    // Every point stands in one of these groups.
    let gives_it =
        |group: &[_]| WrapKey::combine(threshold, group).is_some_and(|key| key.commitment(id) == commitment);
    let sound = shares.len() == usize::from(of) && points.windows(usize::from(threshold)).all(gives_it);
    let set = ShareSet { id, threshold, wrap_key: commitment, members };
    if sound { Ok((wrap_key, set, shares)) } else { Err(DealSharesError::NotSound) }
}

impl Dealt {
    /// Returns what the keys are to be encrypted under.
    pub(crate) const fn wrap_key(&self) -> &WrapKey {
        &self.wrap_key
    }

    /// Writes the shares, then the description into the directory of the set.
    pub(crate) fn write(&self, directory: &SetDirectory) -> Result<DealtReport, DealSharesError> {
        let mut shares = Vec::new();
        for (file, share) in &self.shares {
            new_file::create(file, share.to_text().as_bytes(), Readers::Owner)?;
            let member = share.head();
            let (number, holder) = (member.number, member.holder.to_string());
            shares.push(DealtShare { number, holder, file: file.clone() });
        }
        let text = self.set.to_text()?;
        new_file::place(directory.description(), text.as_bytes())?;
        Ok(DealtReport {
            set: self.set.id.to_string(),
            threshold: self.set.threshold,
            shares,
            description: directory.description().to_owned(),
            description_sha256: hex::encode(digest_of(&text)),
        })
    }
}

impl DealtReport {
    /// The SHA-256 of the description, as it goes into the ledger.
    pub(crate) fn digest(&self) -> Vec<u8> {
        hex::decode(&self.description_sha256).unwrap_or_default()
    }

    /// What the audit record says of it.
    pub(crate) fn detail(&self) -> String {
        let holders: Vec<&str> = self.shares.iter().map(|share| share.holder.as_str()).collect();
        format!("set {}: {} of {}", self.set, self.threshold, holders.join(", "))
    }
}

/// Why no shares were dealt.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DealSharesError {
    /// Nobody is protected by it, or nobody can meet it.
    #[error(
        "{threshold} of {of} is no quorum: at least 2 are needed, no more than there are, and at most 16 hold one"
    )]
    Quorum {
        /// How many are to be needed.
        threshold: u8,
        /// How many there are to be.
        of: usize,
    },
    /// Case R-02: one person would hold two shares.
    #[error("{first} and {second} are one person, by name or by key: nobody holds two shares")]
    SamePerson {
        /// Who stands first.
        first: String,
        /// Who stands second.
        second: String,
    },
    /// The name cannot stand in a share.
    #[error("{name:?} is no name for a share: 1 to 64 characters in one line, single spaces inside only")]
    Name {
        /// The name.
        name: String,
    },
    /// There is not one for each holder.
    #[error("{files} passphrase files are given for {of} shares")]
    PassphraseFiles {
        /// How many files.
        files: usize,
        /// How many shares.
        of: usize,
    },
    /// The public key of a holder is not had.
    #[error(transparent)]
    Key(#[from] ReadPublicKeyError),
    /// A holder typed no passphrase.
    #[error(transparent)]
    Passphrase(#[from] EnterPassphraseError),
    /// No random octets.
    #[error(transparent)]
    Randomness(#[from] Unavailable),
    /// A share was not sealed.
    #[error(transparent)]
    Seal(#[from] SealSecretError),
    /// The shares do not give the key.
    #[error(
        "the shares that were dealt do not give the key that was split: a fault of this program or this machine"
    )]
    NotSound,
    /// A file was not written.
    #[error(transparent)]
    NotWritten(#[from] NewFileError),
    /// The directory of sets is not in order.
    #[error(transparent)]
    Shelf(#[from] ShelfError),
    /// The description cannot be written.
    #[error("the description of the shares cannot be written: {0}")]
    Text(#[from] serde_json::Error),
}

impl Explained for DealSharesError {
    fn exit(&self) -> Exit {
        match self {
            Self::Quorum { .. }
            | Self::SamePerson { .. }
            | Self::Name { .. }
            | Self::PassphraseFiles { .. } => Exit::Usage,
            Self::Key(error) => error.exit(),
            Self::Passphrase(error) => error.exit(),
            Self::Randomness(_) => Exit::Unavailable,
            Self::NotSound => Exit::Integrity,
            Self::NotWritten(error) => error.exit(),
            Self::Shelf(error) => error.exit(),
            Self::Seal(_) | Self::Text(_) => Exit::Failed,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Quorum { .. } => "share.quorum",
            Self::SamePerson { .. } => "share.same-person",
            Self::Name { .. } => "share.name",
            Self::PassphraseFiles { .. } => "secret.unusable",
            Self::Key(error) => error.code(),
            Self::Passphrase(error) => error.code(),
            Self::Randomness(_) => "unavailable",
            Self::Seal(_) | Self::NotSound | Self::Text(_) => "share.not-dealt",
            Self::NotWritten(error) => error.code(),
            Self::Shelf(error) => error.code(),
        }
    }

    fn next(&self) -> String {
        match self {
            Self::Quorum { .. } => {
                "correct --threshold, or say --holder NAME=FILE for each person".to_owned()
            }
            Self::SamePerson { .. } | Self::Name { .. } => "correct --holder".to_owned(),
            Self::PassphraseFiles { .. } => {
                "give one passphrase file for each share, in their order, or none and have them typed"
                    .to_owned()
            }
            Self::Key(error) => error.next(),
            Self::Passphrase(error) => error.next(),
            Self::Randomness(_) | Self::Seal(_) | Self::NotSound | Self::Text(_) => {
                "sign nothing on this machine, and have it examined".to_owned()
            }
            Self::NotWritten(error) => error.next(),
            Self::Shelf(error) => error.next(),
        }
    }
}
