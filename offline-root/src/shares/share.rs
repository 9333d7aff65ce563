//! A share as it is written down: a text that can be printed and typed in again, of no use without its holder's passphrase.
//!
//! Each line ends in `#` and the first four digits of its SHA-256, so that a slip of the finger is found in its line; the last
//! line covers all. There is one way to write a share: one octet more, less or other is refused. What a share is worth
//! beside others is not decided here.

use core::fmt;
use core::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use signer_file::{Iterations, Passphrase, SealSecretError, SealedSecret};

use super::holder::Holder;
use super::share_set::{Member, SetId, ShareSet};
use super::wrap_key::Point;
use crate::explain::{Exit, Explained};
use crate::fingerprint;
use crate::new_file;

/// The first line.
pub(super) const TITLE: &str = "Share of a root key, format 1";

/// More octets than a share has.
const LIMIT: u64 = 4096;

/// How many octets stand in a line of digits.
const LINE_OCTETS: usize = 16;

/// A share, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Share {
    head: Head,
    sealed: SealedSecret,
}

/// What stands in the open: which share it is, and whose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) set: SetId,
    pub(super) number: u8,
    pub(super) of: u8,
    pub(super) threshold: u8,
    pub(super) holder: Holder,
}

impl Head {
    fn lines(&self) -> Vec<String> {
        let Self { set, number, of, threshold, holder } = self;
        let mut lines = vec![
            TITLE.to_owned(),
            format!("set {set}"),
            format!("share {number} of {of}, {threshold} needed"),
            format!("holder {holder}"),
        ];
        lines.extend(digits("key", holder.key()));
        lines
    }

    /// What the sealed point is bound to.
    fn bound(&self) -> Vec<u8> {
        self.lines().join("\n").into_bytes()
    }
}

impl Share {
    /// Seals a point for its holder.
    pub(super) fn seal(
        head: Head,
        point: &Point,
        passphrase: &Passphrase,
        iterations: Iterations,
    ) -> Result<Self, SealSecretError> {
        let sealed = SealedSecret::seal(point.octets(), &head.bound(), passphrase, iterations)?;
        Ok(Self { head, sealed })
    }

    /// Opens the point; nothing when the passphrase is another one.
    pub(super) fn open(&self, passphrase: &Passphrase) -> Option<Point> {
        let octets = self.sealed.open(&self.head.bound(), passphrase).ok()?;
        Point::new(self.head.number, &octets)
    }

    pub(super) const fn head(&self) -> &Head {
        &self.head
    }

    /// Says whose it is.
    pub(crate) fn whose(&self) -> Whose {
        Whose {
            number: Some(self.head.number),
            holder: Some(self.head.holder.name().to_owned()),
            key: Some(Box::new(*self.head.holder.key())),
        }
    }

    /// Writes the share.
    pub(crate) fn to_text(&self) -> String {
        let mut lines = self.head.lines();
        lines.extend(digits("salt", self.sealed.salt()));
        lines.push(format!("rounds {}", self.sealed.iterations()));
        lines.extend(digits("sealed", self.sealed.octets()));
        lines.push(format!("check {}", whole_check(&lines)));
        lines.iter().fold(String::new(), |mut text, line| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{line} #{}", line_check(line));
            text
        })
    }

    /// Reads a share file.
    pub(crate) fn load(file: &Path) -> Result<Self, ReadShareError> {
        let unreadable = |cause| ReadShareError::Unreadable { file: file.to_owned(), cause };
        let mut octets = Vec::new();
        File::open(file)
            .and_then(|opened| opened.take(LIMIT).read_to_end(&mut octets))
            .map_err(unreadable)?;
        // An octet that is no text is one that was altered: it is found in its line.
        Self::parse(&String::from_utf8_lossy(&octets)).map_err(|error| match error {
            ParseShareError::NoShare => ReadShareError::NoShare { file: file.to_owned() },
            ParseShareError::Altered { whose, line } => {
                ReadShareError::Altered { file: file.to_owned(), whose, line }
            }
        })
    }

    /// Reads a share.
    pub(super) fn parse(text: &str) -> Result<Self, ParseShareError> {
        let lines: Vec<Result<&str, usize>> =
            text.lines().zip(1..).map(|(line, number)| sound(line).ok_or(number)).collect();
        let whole: Vec<&str> = lines.iter().flatten().copied().collect();
        if whole.is_empty() {
            return Err(ParseShareError::NoShare);
        }
        let altered = |line| ParseShareError::Altered { whose: Whose::of(&whole), line };
        if let Some(number) = lines.iter().find_map(|line| line.err()) {
            return Err(altered(Some(number)));
        }
        // One way to write it: what reads as a share and is not the text of that share was altered.
        Self::of_lines(&whole).filter(|share| share.to_text() == text).ok_or_else(|| altered(None))
    }

    fn of_lines(lines: &[&str]) -> Option<Self> {
        let one = |name| value(lines, name);
        let octets = |name| octets(lines, name);
        let (number, rest) = one("share")?.split_once(" of ")?;
        let (of, rest) = rest.split_once(", ")?;
        let threshold = rest.strip_suffix(" needed")?;
        let head = Head {
            set: SetId::parse(one("set")?)?,
            number: number.parse().ok()?,
            of: of.parse().ok()?,
            threshold: threshold.parse().ok()?,
            holder: Holder::from_parts(one("holder")?, octets("key")?.try_into().ok()?)?,
        };
        let iterations = Iterations::new(one("rounds")?.parse().ok()?)?;
        let sealed =
            SealedSecret::from_parts(octets("salt")?.try_into().ok()?, iterations, octets("sealed")?);
        Some(Self { head, sealed })
    }
}

/// Lines of digits, in groups of four.
fn digits(name: &str, octets: &[u8]) -> Vec<String> {
    let line = |part: &[u8]| format!("{name} {}", fingerprint::grouped(&hex::encode(part)));
    octets.chunks(LINE_OCTETS).map(line).collect()
}

/// The value of the first line that begins with a name.
fn value<'a>(lines: &[&'a str], name: &str) -> Option<&'a str> {
    lines.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
}

/// The octets in all lines that begin with a name.
fn octets(lines: &[&str], name: &str) -> Option<Vec<u8>> {
    let of_name = lines.iter().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let digits: String = of_name.flat_map(str::chars).filter(|character| *character != ' ').collect();
    hex::decode(digits).ok()
}

/// The content of a line whose check holds.
fn sound(line: &str) -> Option<&str> {
    let (content, check) = line.rsplit_once(" #")?;
    (check == line_check(content)).then_some(content)
}

fn line_check(content: &str) -> String {
    fingerprint::of(content.as_bytes()).chars().take(4).collect()
}

fn whole_check(lines: &[String]) -> String {
    let digest = Sha256::digest(lines.join("\n"));
    fingerprint::grouped(&hex::encode(digest).chars().take(16).collect::<String>())
}

/// Whose share something is, as far as it can be told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Whose {
    number: Option<u8>,
    holder: Option<String>,
    key: Option<Box<[u8; 32]>>,
}

impl Whose {
    /// Looks at the lines that are whole.
    fn of(lines: &[&str]) -> Self {
        let number = value(lines, "share").and_then(|text| text.split(' ').next()?.parse().ok());
        let holder = value(lines, "holder").map(ToOwned::to_owned);
        let key = octets(lines, "key").and_then(|key| key.try_into().ok()).map(Box::new);
        Self { number, holder, key }
    }

    /// Looks up in the description of a set what the file does not tell: by key, or else by number or name.
    pub(super) fn completed_by(self, set: &ShareSet) -> Self {
        let same = |member: &&Member| match (&self.key, self.number) {
            (Some(key), _) => member.holder.key() == key.as_ref(),
            (None, Some(number)) => member.number == number,
            (None, None) => Some(member.holder.name()) == self.holder.as_deref(),
        };
        let Some(member) = set.members().iter().find(same) else { return self };
        let holder = self.holder.or_else(|| Some(member.holder.to_string()));
        Self { number: self.number.or(Some(member.number)), holder, key: self.key }
    }
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.number, &self.holder, &self.key) {
            (Some(number), Some(holder), _) => write!(f, "share {number}, of {holder}"),
            (Some(number), None, _) => write!(f, "share {number}"),
            (None, Some(holder), _) => write!(f, "the share of {holder}"),
            (None, None, Some(key)) => {
                write!(f, "the share of the holder of the key {}", hex::encode(key.as_ref()))
            }
            (None, None, None) => f.write_str("a share whose holder cannot be read"),
        }
    }
}

/// Why a text is no share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ParseShareError {
    /// Not one line is that of a share.
    NoShare,
    /// It is a share that was altered or mistyped.
    Altered {
        /// Whose, as far as it can be told.
        whose: Whose,
        /// In which line, from 1; nothing when lines are missing, doubled or in another order.
        line: Option<usize>,
    },
}

/// Why a file gives no share.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadShareError {
    /// The operating system refuses.
    #[error("the share {file} cannot be read: {cause}", file = file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
    /// Something else.
    #[error("{file} is no share of a root key", file = file.display())]
    NoShare {
        /// The file.
        file: PathBuf,
    },
    /// Mistyped, or altered.
    #[error("{whose} ({file}), was altered or mistyped{place}", file = file.display(), place = place(*line))]
    Altered {
        /// The file.
        file: PathBuf,
        /// Whose share it is.
        whose: Whose,
        /// In which line.
        line: Option<usize>,
    },
}

fn place(line: Option<usize>) -> String {
    line.map_or_else(
        || ": lines are missing, doubled or in another order".to_owned(),
        |line| format!(" in line {line}"),
    )
}

impl Explained for ReadShareError {
    fn exit(&self) -> Exit {
        match self {
            Self::Unreadable { cause, .. } => new_file::exit_of(cause),
            Self::NoShare { .. } => Exit::Usage,
            Self::Altered { .. } => Exit::Permission,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "share.unreadable",
            Self::NoShare { .. } => "share.not-one",
            Self::Altered { .. } => "share.altered",
        }
    }

    fn next(&self) -> String {
        match self {
            Self::Unreadable { .. } | Self::NoShare { .. } => "correct the name of the file".to_owned(),
            Self::Altered { .. } => {
                "compare the file with its printed copy line by line, or take the share of somebody else"
                    .to_owned()
            }
        }
    }
}
