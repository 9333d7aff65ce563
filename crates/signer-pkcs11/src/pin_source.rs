//! Where a PIN comes from: what stands behind `pin-source=` in a PKCS#11 URI (RFC 7512 §2.4).
//!
//! Every one names a place and holds no secret, so that it may stand in a configuration and in a log. Nothing is read here:
//! `pin.rs` does that.

use core::fmt;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A place that holds a PIN, written as a URI (RFC 7512 §2.4: `file:` "or something else").
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PinSource {
    /// `file:/path`: a file of mode 0600 or stricter; an absolute path.
    File(PathBuf),
    /// `credential:NAME`: a credential that systemd hands to the service, the file of this name in `$CREDENTIALS_DIRECTORY`.
    Credential(String),
    /// `env:NAME`: an environment variable, by its name: capitals, digits and underscores.
    Environment(String),
    /// `fd:NUMBER`: a file descriptor that whoever starts the program has opened: 0, or 3 and above.
    Descriptor(u32),
    /// `prompt:`: a person at the terminal, who is told which token it is.
    Prompt {
        /// The token, as the URI says it.
        token: String,
    },
}

/// The largest number of a file descriptor that is taken: Linux hands out none above without being told to.
const LARGEST_DESCRIPTOR: u32 = 1_048_575;

/// The longest name of a variable or a credential, in octets.
const LONGEST_NAME: usize = 255;

impl PinSource {
    /// Reads the decoded value of a `pin-source`. Nothing when it is not one of ours: a command (RFC 7512 §2.4: `|`), a file
    /// elsewhere, a relative path, or perhaps a PIN.
    pub(crate) fn read(value: &[u8]) -> Option<Self> {
        let text = |value: &[u8]| core::str::from_utf8(value).ok().map(str::to_owned);
        let colon = value.iter().position(|octet| *octet == b':')?;
        let (scheme, rest) = (value.get(..colon)?, value.get(colon + 1..)?);
        match scheme.to_ascii_lowercase().as_slice() {
            b"file" => absolute(rest).map(Self::File),
            b"credential" => text(rest).filter(|name| names_a_credential(name)).map(Self::Credential),
            b"env" => text(rest).filter(|name| names_a_variable(name)).map(Self::Environment),
            b"fd" => descriptor(&text(rest)?).map(Self::Descriptor),
            b"prompt" if rest.is_empty() => Some(Self::Prompt { token: String::new() }),
            _ => None,
        }
    }

    /// Adds to a prompt which token it asks for.
    pub(crate) fn for_token(self, token: String) -> Self {
        match self {
            Self::Prompt { .. } => Self::Prompt { token },
            other @ (Self::File(_) | Self::Credential(_) | Self::Environment(_) | Self::Descriptor(_)) => {
                other
            }
        }
    }
}

/// Takes what follows `file:` as `/path` or `///path` (RFC 8089); no host.
fn absolute(path: &[u8]) -> Option<PathBuf> {
    let path = path.strip_prefix(b"//").unwrap_or(path);
    let is_one = path.starts_with(b"/") && !path.starts_with(b"//");
    is_one.then(|| PathBuf::from(OsStr::from_bytes(path)))
}

/// Capitals only, so that a PIN that was written there by mistake is hardly ever taken for a name, and shown as one.
fn names_a_variable(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.len())
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name.bytes().all(|octet| matches!(octet, b'A'..=b'Z' | b'0'..=b'9' | b'_'))
}

/// One name in a directory, and never a way out of it.
fn names_a_credential(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.len())
        && name != "."
        && name != ".."
        && name.bytes().all(|octet| octet.is_ascii_alphanumeric() || b"-._@".contains(&octet))
}

/// Standard output and standard error are none to read from.
fn descriptor(number: &str) -> Option<u32> {
    let digits = number.bytes().all(|octet| octet.is_ascii_digit());
    let number: u32 = number.parse().ok().filter(|_| digits)?;
    (number == 0 || (3..=LARGEST_DESCRIPTOR).contains(&number)).then_some(number)
}

impl fmt::Display for PinSource {
    /// Writes the URI, not percent-encoded.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Credential(name) => write!(f, "credential:{name}"),
            Self::Environment(name) => write!(f, "env:{name}"),
            Self::Descriptor(number) => write!(f, "fd:{number}"),
            Self::Prompt { .. } => f.write_str("prompt:"),
        }
    }
}

impl From<&Path> for PinSource {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}

impl From<&PathBuf> for PinSource {
    fn from(path: &PathBuf) -> Self {
        Self::File(path.clone())
    }
}

impl From<&Self> for PinSource {
    fn from(source: &Self) -> Self {
        source.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &str) -> Option<PinSource> {
        PinSource::read(value.as_bytes())
    }

    // RFC 7512 §2.4: the value is a URI, of a file or of something else.
    #[test]
    fn reads_each_kind_of_place() {
        let name = |name: &str| name.to_owned();
        for (value, source) in [
            ("file:/run/pin", PinSource::File("/run/pin".into())),
            ("FILE:///run/pin", PinSource::File("/run/pin".into())),
            ("credential:hsm-pin", PinSource::Credential(name("hsm-pin"))),
            ("env:HSM_PIN_2", PinSource::Environment(name("HSM_PIN_2"))),
            ("fd:0", PinSource::Descriptor(0)),
            ("fd:17", PinSource::Descriptor(17)),
            ("prompt:", PinSource::Prompt { token: String::new() }),
        ] {
            assert_eq!(read(value), Some(source), "{value}");
        }
    }

    #[test]
    fn takes_nothing_that_holds_a_secret_runs_a_program_or_leads_elsewhere() {
        for value in [
            "",
            "1234",
            "/run/pin",
            "pin",
            "|/usr/bin/pinentry",
            "file:",
            "file:pin",
            "file://host/pin",
            "http://h/pin",
            "pkcs11:token=t",
            "env:",
            "env:pin",
            "env:1234",
            "env:A=B",
            "env:A B",
            "credential:",
            "credential:..",
            "credential:../pin",
            "credential:/pin",
            "credential:a/b",
            "fd:",
            "fd:1",
            "fd:2",
            "fd:-3",
            "fd:+3",
            "fd:4294967296",
            "fd:1048576",
            "prompt",
            "prompt:1234",
            "value:1234",
        ] {
            assert_eq!(read(value), None, "{value}");
        }
        assert_eq!(PinSource::read(b"credential:\xFF"), None);
    }

    #[test]
    fn only_a_prompt_names_the_token() {
        let named = |value: &str| read(value).unwrap().for_token("token=t".to_owned());
        assert_eq!(named("prompt:"), PinSource::Prompt { token: "token=t".to_owned() });
        assert_eq!(named("fd:3"), PinSource::Descriptor(3));
    }
}
