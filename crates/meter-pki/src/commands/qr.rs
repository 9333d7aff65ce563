//! `meter-pki qr encode` and `qr scan`: a file as a series of QR codes, and the file again.

use std::path::Path;

use ceremony::words::Fingerprint;
use paper::folder::{self, WriteSeriesError};
use serde::Serialize;
use utoipa::ToSchema;

use super::printer::{Printer, aloud};
use crate::backup::private_file;
use crate::cli::qr::QrCommand;
use crate::exit::{Exit, Failure};
use crate::operator::wire::words::Sha256;

/// The codes that were written.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QrCodes)]
pub(in crate::commands) struct CodesView {
    #[schema(value_type = Sha256)]
    file_sha256: Fingerprint,
    pictures: Vec<String>,
    sheets: Vec<String>,
}

/// The file that was scanned.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QrScanned)]
pub(in crate::commands) struct ScannedView {
    file: String,
    #[schema(value_type = Sha256)]
    file_sha256: Fingerprint,
}

pub(super) fn run(verb: &QrCommand, printer: &Printer) -> Result<(), Failure> {
    match verb {
        QrCommand::Encode { file, out } => encode(file, out, printer),
        QrCommand::Scan { pictures, out } => {
            let octets = folder::scan(pictures).map_err(|error| {
                Failure::new(Exit::Refused, error.code(), error).then(
                    "take the pictures that are named again, keep those of other files apart, then repeat",
                )
            })?;
            private_file::store(out, &octets).map_err(|error| {
                Failure::new(Exit::Conflict, "file.unwritable", format!("{}: {error}", out.display()))
            })?;
            let view = ScannedView { file: out.display().to_string(), file_sha256: Fingerprint::of(&octets) };
            printer.result(&view, |view| {
                let mut lines = vec![format!("the codes are whole: they are in {}", view.file)];
                lines.extend(aloud("SHA-256 of the file", &view.file_sha256));
                lines
            });
            Ok(())
        }
    }
}

fn encode(file: &Path, out: &Path, printer: &Printer) -> Result<(), Failure> {
    let octets = std::fs::read(file).map_err(|error| {
        Failure::new(Exit::Usage, "file.unreadable", format!("cannot read {}: {error}", file.display()))
    })?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let written = folder::write(&octets, &name, out).map_err(|error| {
        let exit = match &error {
            WriteSeriesError::Length(_) => Exit::Refused,
            WriteSeriesError::NotDrawn(_) => Exit::Failed,
            WriteSeriesError::NotWritten { .. } => Exit::Conflict,
        };
        Failure::new(exit, error.code(), error).then("name another folder, or carry the file as it is")
    })?;
    let paths = |paths: &[std::path::PathBuf]| paths.iter().map(|path| path.display().to_string()).collect();
    let view = CodesView {
        file_sha256: Fingerprint::new(*written.set.sha256()),
        pictures: paths(&written.pictures),
        sheets: paths(&written.sheets),
    };
    printer.result(&view, |view| {
        let mut lines =
            aloud(&format!("{} codes of the file with the SHA-256", view.pictures.len()), &view.file_sha256);
        lines.extend(view.sheets.iter().chain(&view.pictures).cloned());
        lines
    });
    Ok(())
}
