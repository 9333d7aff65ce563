//! Shares of the recovery key: one small text file for each person, and putting enough of them together again.
//!
//! The sharing (Shamir over GF(256)) is a crate's and knows no integrity: a wrong share gives a wrong key and no error. So each
//! file carries a checksum, the key it belongs to and its number, and what is put together is compared with that key.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use blahaj::{Share as Point, Sharks};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::recovery_key::{RecoveryKey, RecoveryKeyId};

const TITLE: &str = "meter-pki recovery share";

/// How many octets of its SHA-256 a share ends with.
const CHECK_OCTETS: usize = 8;

/// How many shares there are and how many are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quorum {
    needed: u8,
    of: u8,
}

impl std::str::FromStr for Quorum {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "say how many of how many, such as 3-of-5: at least 2, at most 16".to_owned();
        let (needed, of) = text.split_once("-of-").ok_or_else(wrong)?;
        let quorum =
            Self { needed: needed.parse().map_err(|_| wrong())?, of: of.parse().map_err(|_| wrong())? };
        if (2..=quorum.of).contains(&quorum.needed) && quorum.of <= 16 { Ok(quorum) } else { Err(wrong()) }
    }
}

impl std::fmt::Display for Quorum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-of-{}", self.needed, self.of)
    }
}

/// A share as its file says. Wiped when it is dropped.
pub(crate) struct Share {
    key: RecoveryKeyId,
    number: u8,
    quorum: Quorum,
    /// The number again and one octet for each of the key.
    point: Zeroizing<Vec<u8>>,
}

impl std::fmt::Debug for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Share").field("key", &self.key).field("number", &self.number).finish_non_exhaustive()
    }
}

/// Splits a key.
pub(crate) fn split(key: &RecoveryKey, quorum: Quorum) -> Vec<Share> {
    let id = key.public().id();
    let points = Sharks(quorum.needed).dealer(&key.octets());
    let share = |(number, point): (u8, Point)| Share {
        key: id,
        number,
        quorum,
        point: Zeroizing::new(Vec::from(&point)),
    };
    (1..=quorum.of).zip(points).map(share).collect()
}

impl Share {
    /// Writes the share as text.
    pub(crate) fn to_text(&self) -> Zeroizing<String> {
        let Self { key, number, quorum, point } = self;
        let mut text = Zeroizing::new(format!("{TITLE}\nkey {key}\nshare {number} of {quorum}\n"));
        let digits = Zeroizing::new(hex::encode(point.as_slice()));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "points {}", digits.as_str());
        let check = check(&text);
        let _ = writeln!(text, "check {check}");
        text
    }

    fn parse(text: &str) -> Option<Result<Self, Corrupted>> {
        let (body, check_line) = text.trim_end().rsplit_once('\n')?;
        let mut lines = body.lines();
        let title = lines.next()?;
        let key = hex::decode(lines.next()?.strip_prefix("key ")?).ok()?;
        let (number, quorum) = lines.next()?.strip_prefix("share ")?.split_once(" of ")?;
        let point = Zeroizing::new(hex::decode(lines.next()?.strip_prefix("points ")?).ok()?);
        let share = Self {
            key: RecoveryKeyId(key.try_into().ok()?),
            number: number.parse().ok()?,
            quorum: quorum.parse().ok()?,
            point,
        };
        if title != TITLE || lines.next().is_some() {
            return None;
        }
        let whole = Zeroizing::new(format!("{body}\n"));
        let sound = check_line.strip_prefix("check ")? == check(&whole)
            && share.point.len() == 49
            && share.point.first() == Some(&share.number);
        Some(if sound { Ok(share) } else { Err(Corrupted) })
    }

    /// Reads a share file.
    pub(crate) fn load(path: &Path) -> Result<Self, CombineError> {
        let file = || path.to_owned();
        let text = std::fs::read_to_string(path)
            .map(Zeroizing::new)
            .map_err(|cause| CombineError::Unreadable { file: file(), cause })?;
        Self::parse(&text)
            .ok_or_else(|| CombineError::NoShare { file: file() })?
            .map_err(|Corrupted| CombineError::Corrupted { file: file() })
    }
}

/// The checksum does not fit: something was mistyped or altered.
struct Corrupted;

fn check(text: &str) -> String {
    let digest = Sha256::digest(text);
    hex::encode(digest.first_chunk::<CHECK_OCTETS>().unwrap_or(&[0; CHECK_OCTETS]))
}

/// Puts the key with the name `wanted` together again.
pub(crate) fn combine(files: &[PathBuf], wanted: RecoveryKeyId) -> Result<RecoveryKey, CombineError> {
    let mut shares: Vec<Share> = Vec::new();
    for file in files {
        let share = Share::load(file)?;
        if share.key != wanted {
            return Err(CombineError::Foreign { file: file.clone(), key: share.key, wanted });
        }
        if shares.iter().any(|other| other.number == share.number) {
            return Err(CombineError::Repeated { file: file.clone(), number: share.number });
        }
        shares.push(share);
    }
    let needed = shares.first().map_or(0, |share| share.quorum.needed);
    if needed == 0 || shares.len() < usize::from(needed) {
        return Err(CombineError::TooFew { found: shares.len(), needed });
    }
    let points: Vec<Point> =
        shares.iter().filter_map(|share| Point::try_from(share.point.as_slice()).ok()).collect();
    let octets = Sharks(needed).recover(&points).map(Zeroizing::new).map_err(|_| CombineError::WrongKey)?;
    RecoveryKey::from_octets(&octets).filter(|key| key.public().id() == wanted).ok_or(CombineError::WrongKey)
}

/// Why shares give no key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CombineError {
    #[error("cannot read the share {}: {cause}", file.display())]
    Unreadable { file: PathBuf, cause: std::io::Error },
    #[error("{} is no share of a recovery key", file.display())]
    NoShare { file: PathBuf },
    #[error("the share {} was altered: its checksum does not fit", file.display())]
    Corrupted { file: PathBuf },
    #[error("the share {} belongs to the recovery key {key}, the backup was made for {wanted}", file.display())]
    Foreign { file: PathBuf, key: RecoveryKeyId, wanted: RecoveryKeyId },
    #[error("the share {} is number {number}, which was given before", file.display())]
    Repeated { file: PathBuf, number: u8 },
    #[error("{found} shares are given, {needed} are needed")]
    TooFew { found: usize, needed: u8 },
    #[error(
        "the shares do not give the recovery key that they name: one of them is not the one that was dealt"
    )]
    WrongKey,
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Dealt {
        directory: tempfile::TempDir,
        key: RecoveryKey,
        shares: Vec<Share>,
    }

    fn deal() -> Dealt {
        let key = RecoveryKey::generate();
        let shares = split(&key, "3-of-5".parse().unwrap());
        Dealt { directory: tempfile::tempdir().unwrap(), key, shares }
    }

    impl Dealt {
        fn file(&self, name: &str, text: &str) -> PathBuf {
            let path = self.directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        }

        fn files(&self, numbers: &[usize]) -> Vec<PathBuf> {
            let file = |number: &usize| self.file(&number.to_string(), &self.shares[number - 1].to_text());
            numbers.iter().map(file).collect()
        }

        fn combine(&self, files: &[PathBuf]) -> Result<RecoveryKey, CombineError> {
            combine(files, self.key.public().id())
        }
    }

    #[test]
    fn any_three_of_five_give_the_key_and_more_do_too() {
        let dealt = deal();
        for numbers in [&[1, 2, 3][..], &[5, 3, 1], &[2, 4, 5], &[1, 2, 3, 4, 5]] {
            assert_eq!(dealt.combine(&dealt.files(numbers)).unwrap().octets(), dealt.key.octets());
        }
    }

    #[test]
    fn too_few_repeated_foreign_and_altered_shares_are_named() {
        let dealt = deal();
        let files = dealt.files(&[1, 2, 3]);
        assert!(matches!(dealt.combine(&files[..2]), Err(CombineError::TooFew { found: 2, needed: 3 })));
        assert!(matches!(dealt.combine(&[]), Err(CombineError::TooFew { .. })));
        let twice = [files[0].clone(), files[1].clone(), files[1].clone()];
        assert!(matches!(dealt.combine(&twice), Err(CombineError::Repeated { number: 2, .. })));
        let foreign = dealt.file("foreign", &deal().shares[3].to_text());
        let with = [files[0].clone(), files[1].clone(), foreign];
        assert!(matches!(dealt.combine(&with), Err(CombineError::Foreign { .. })));
        let text = dealt.shares[3].to_text();
        let place = text.find("points ").unwrap() + 12;
        let mut octets = text.as_bytes().to_vec();
        octets[place] = if octets[place] == b'0' { b'1' } else { b'0' };
        let altered = dealt.file("altered", std::str::from_utf8(&octets).unwrap());
        let with = [files[0].clone(), files[1].clone(), altered];
        assert!(matches!(dealt.combine(&with), Err(CombineError::Corrupted { .. })));
        let empty = dealt.file("empty", "");
        assert!(matches!(dealt.combine(&[empty]), Err(CombineError::NoShare { .. })));
    }

    #[test]
    fn a_forged_share_with_a_sound_checksum_gives_no_key() {
        let dealt = deal();
        let mut files = dealt.files(&[1, 2]);
        let mut forged = split(&RecoveryKey::generate(), "3-of-5".parse().unwrap()).remove(2);
        forged.key = dealt.key.public().id();
        files.push(dealt.file("forged", &forged.to_text()));
        assert!(matches!(dealt.combine(&files), Err(CombineError::WrongKey)));
    }

    #[test]
    fn quorums_that_protect_nothing_or_cannot_be_met_are_refused() {
        for text in ["1-of-3", "0-of-0", "4-of-3", "2-of-17", "2/3", "", "-of-"] {
            assert!(text.parse::<Quorum>().is_err(), "{text}");
        }
        assert_eq!("2-of-3".parse::<Quorum>().unwrap().to_string(), "2-of-3");
    }
}
