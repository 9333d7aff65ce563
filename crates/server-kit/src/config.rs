//! Reads a TOML file into a serde type and reports what is wrong with it by file, line and column.
//!
//! It is *not* a merger of files, environment and arguments: one file is one configuration. Give the type
//! `#[serde(deny_unknown_fields)]`, so that a misspelt key is a fault and not a silent default; turn it into a checked
//! type with private fields by `#[serde(try_from = "Raw…")]`, and the faults of that step carry a line, too.
//! Quantities bear their unit in the key: `_seconds` ([`seconds`]) and `_octets` (a plain integer).
//!
//! All faults of a file are reported, not the first only: a faulty entry is noted, taken out, and the rest is read
//! again. After a missing key, the table that misses it counts as read.
//!
//! ```
//! use serde::Deserialize;
//! use std::time::Duration;
//!
//! #[derive(Deserialize, Debug)]
//! #[serde(deny_unknown_fields)]
//! struct Config {
//!     listen: std::net::SocketAddr,
//!     #[serde(rename = "drain_seconds", deserialize_with = "server_kit::config::seconds")]
//!     drain: Duration,
//! }
//!
//! let text = "listen = \"127.0.0.1:443\"\ndrain_secs = 20\ndrain_seconds = -1\n";
//! let error = server_kit::config::parse::<Config>("est.toml", text).unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "est.toml:2:1: unknown field `drain_secs`, expected `listen` or `drain_seconds`\n\
//!      est.toml:3:17: a time in seconds lies between 0 and 31536000, this is -1"
//! );
//! ```

mod faults;

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use std::{
    fmt, io,
    path::{Path, PathBuf},
    time::Duration,
};

/// A configuration file is text written by people; beyond 1 MiB something else was named by mistake.
const LARGEST_FILE_OCTETS: u64 = 1 << 20;

/// The longest time a key in `_seconds` may hold: one year.
const LONGEST_SECONDS: f64 = 31_536_000.0;

/// Reads the file at `path` into `T`.
///
/// # Errors
/// [`LoadConfigError::Unreadable`] when the file cannot be read, [`LoadConfigError::TooLarge`] above 1 MiB,
/// [`LoadConfigError::Faulty`] with all faults found in it.
pub fn load<T: DeserializeOwned>(path: &Path) -> Result<T, LoadConfigError> {
    let unreadable = |source| LoadConfigError::Unreadable { path: path.to_owned(), source };
    let octets = std::fs::metadata(path).map_err(unreadable)?.len();
    if octets > LARGEST_FILE_OCTETS {
        return Err(LoadConfigError::TooLarge { path: path.to_owned(), octets });
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    parse(&path.display().to_string(), &text)
}

/// Reads `text` into `T`; `file` is the name that stands in the fault messages.
///
/// # Errors
/// [`LoadConfigError::Faulty`] with all faults found in the text.
pub fn parse<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, LoadConfigError> {
    faults::read(text)
        .map_err(|faults| LoadConfigError::Faulty(ConfigFaults { file: file.to_owned(), faults }))
}

/// Why a configuration could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadConfigError {
    /// The file is absent, or closed to this process, or not UTF-8.
    #[error("cannot read the configuration {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file is larger than 1 MiB.
    #[error("the configuration {} has {octets} octets, more than 1048576", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its length.
        octets: u64,
    },
    /// The file was read and is wrong; one line of text per fault.
    #[error("{0}")]
    Faulty(ConfigFaults),
}

/// All faults of one file, in the order in which they stand in it.
#[derive(Debug)]
pub struct ConfigFaults {
    /// The file, as the caller named it.
    pub file: String,
    /// At least one fault.
    pub faults: Vec<ConfigFault>,
}

/// One fault and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFault {
    /// Line, counted from 1.
    pub line: usize,
    /// Column in characters, counted from 1.
    pub column: usize,
    /// What is wrong, in one line.
    pub message: String,
}

impl fmt::Display for ConfigFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}:{}:{}: {}", self.file, fault.line, fault.column, fault.message)?;
        }
        Ok(())
    }
}

/// For `#[serde(deserialize_with = "server_kit::config::seconds")]`: a time in seconds, whole or with a fraction, from
/// 0 to 31,536,000 (one year).
///
/// # Errors
/// The fault of the deserialiser, for anything else.
pub fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    if !(0.0..=LONGEST_SECONDS).contains(&seconds) {
        return Err(serde::de::Error::custom(format_args!(
            "a time in seconds lies between 0 and {LONGEST_SECONDS}, this is {seconds}"
        )));
    }
    Duration::try_from_secs_f64(seconds).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        port: u16,
        #[serde(rename = "idle_seconds", deserialize_with = "seconds")]
        idle: Duration,
    }

    #[test]
    fn reads_whole_and_fractional_seconds() {
        let whole: Sample = parse("a.toml", "port = 1\nidle_seconds = 30").unwrap();
        assert_eq!(whole.idle, Duration::from_secs(30));
        let fraction: Sample = parse("a.toml", "port = 1\nidle_seconds = 0.25").unwrap();
        assert_eq!(fraction.idle, Duration::from_millis(250));
    }

    #[test]
    fn refuses_times_that_are_no_times() {
        for wrong in ["-0.1", "nan", "inf", "31536001"] {
            let error = parse::<Sample>("a.toml", &format!("port = 1\nidle_seconds = {wrong}")).unwrap_err();
            assert!(error.to_string().starts_with("a.toml:2:16: a time in seconds"), "{error}");
        }
    }

    #[test]
    fn names_the_file_that_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("absent.toml");
        let error = load::<Sample>(&path).unwrap_err();
        assert!(matches!(error, LoadConfigError::Unreadable { .. }));
        assert_eq!(error.to_string(), format!("cannot read the configuration {}", path.display()));
    }

    #[test]
    fn names_file_and_line_of_a_fault_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bad.toml");
        fs::write(&path, "# first\nport = \"x\"\nidle_seconds = 1\n").unwrap();
        let text = load::<Sample>(&path).unwrap_err().to_string();
        assert!(text.starts_with(&format!("{}:2:8: invalid type", path.display())), "{text}");
    }

    #[test]
    fn refuses_a_file_that_is_no_configuration_by_its_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("disk.img");
        fs::write(&path, vec![b'#'; 1_048_577]).unwrap();
        assert!(matches!(load::<Sample>(&path), Err(LoadConfigError::TooLarge { octets: 1_048_577, .. })));
    }
}
