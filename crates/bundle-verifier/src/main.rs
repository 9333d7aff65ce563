//! The program of those who only check: `ceremony-verify BUNDLE` says whether the bundle of a ceremony is as the room left it.
//!
//! It opens no token, no key and no network, and runs on any machine by itself (it is linked statically, see
//! `cargo xtask offline-build`). What is checked is decided in the library `ceremony`; the installed programs say the same.

use std::ffi::OsString;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ceremony::bundle::{Bundle, OpenBundleError};
use ceremony::verify::{Report, verify, verify_after};
use ceremony::words::Fingerprint;

const USAGE: &str = "\
Checks the bundle of a ceremony again, from the bundle alone.

usage: ceremony-verify [--json] [--previous BUNDLE] BUNDLE    a directory, or a .tar of it; with the one
                                                              of the ceremony before
       ceremony-verify --words FILE    the SHA-256 of any file, in digits and in words

Ends with 0 when the bundle is intact, 9 when it is not, 5 when there is none, 2 when it was called wrongly.";

/// What was asked for.
enum Wish {
    Verify { bundle: PathBuf, previous: Option<PathBuf>, json: bool },
    Words { file: PathBuf },
    Help,
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    let (number, text) = match wish(&arguments) {
        Some(Wish::Verify { bundle, previous, json }) => judge(&bundle, previous.as_deref(), json),
        Some(Wish::Words { file }) => words(&file),
        Some(Wish::Help) => (0, USAGE.to_owned()),
        None => (2, USAGE.to_owned()),
    };
    match writeln!(io::stdout().lock(), "{text}") {
        Ok(()) => ExitCode::from(number),
        // Whoever closed the pipe has read enough, and hears the verdict still.
        Err(cause) if cause.kind() == ErrorKind::BrokenPipe => ExitCode::from(number),
        Err(_) => ExitCode::FAILURE,
    }
}

fn wish(arguments: &[OsString]) -> Option<Wish> {
    match arguments {
        [only] if only == "--help" || only == "-h" => Some(Wish::Help),
        [option, file] if option == "--words" => Some(Wish::Words { file: file.into() }),
        [option, rest @ ..] if option == "--json" => verify_wish(rest, true),
        _ => verify_wish(arguments, false),
    }
}

fn verify_wish(arguments: &[OsString], json: bool) -> Option<Wish> {
    let (previous, bundle) = match arguments {
        [option, previous, bundle] if option == "--previous" => (Some(previous.into()), bundle),
        [bundle] => (None, bundle),
        _ => return None,
    };
    let is_option = bundle.as_encoded_bytes().starts_with(b"-");
    (!is_option).then(|| Wish::Verify { bundle: bundle.into(), previous, json })
}

fn judge(path: &Path, previous: Option<&Path>, json: bool) -> (u8, String) {
    let (number, report) = match look(path, previous) {
        Ok(report) => (if report.is_intact() { 0 } else { 9 }, report),
        Err(error) => {
            let absent = matches!(&error, OpenBundleError::Unreadable { cause, .. } if cause.kind() == ErrorKind::NotFound);
            (if absent { 5 } else { 9 }, Report::unreadable(&error))
        }
    };
    let text = if json { serde_json::to_string(&report).unwrap_or_default() } else { report.to_string() };
    (number, text)
}

fn look(path: &Path, previous: Option<&Path>) -> Result<Report, OpenBundleError> {
    let bundle = Bundle::open(path)?;
    let previous = previous.map(Bundle::open).transpose()?;
    Ok(previous.map_or_else(|| verify(&bundle), |previous| verify_after(&bundle, previous)))
}

fn words(path: &Path) -> (u8, String) {
    match std::fs::read(path) {
        Ok(octets) => {
            let fingerprint = Fingerprint::of(&octets);
            let words = fingerprint.words();
            let lines: Vec<String> = words.chunks(8).map(|line| format!("  {}", line.join(" "))).collect();
            (0, format!("{fingerprint}\n{}", lines.join("\n")))
        }
        Err(cause) => (5, format!("{} cannot be read: {cause}", path.display())),
    }
}
