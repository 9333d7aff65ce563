//! `meter-pki ceremony verify BUNDLE`: checks the bundle of a ceremony again; what is checked is decided in `ceremony`.

use std::io::ErrorKind;
use std::path::Path;

use ceremony::bundle::{Bundle, OpenBundleError};

use super::super::printer::Printer;
use crate::exit::{Exit, Failure};

const STOP: &str = "rely on nothing in it, keep it as it is, and compare it with the second medium";

pub(super) fn verify(path: &Path, previous: Option<&Path>, printer: &Printer) -> Result<(), Failure> {
    let open = |path: &Path| Bundle::open(path).map_err(|error| unreadable(&error));
    let bundle = open(path)?;
    let report = match previous {
        Some(previous) => ceremony::verify::verify_after(&bundle, open(previous)?),
        None => ceremony::verify::verify(&bundle),
    };
    printer.result(&report, |report| report.to_string().lines().map(str::to_owned).collect());
    if report.is_intact() {
        return Ok(());
    }
    let what = format!("the bundle is not as the ceremony left it: {} findings", report.findings.len());
    Err(Failure::new(Exit::Integrity, "bundle.altered", what).then(STOP))
}

fn unreadable(error: &OpenBundleError) -> Failure {
    match error {
        OpenBundleError::Unreadable { cause, .. } => {
            let absent = matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory);
            let denied = cause.kind() == ErrorKind::PermissionDenied;
            let exit = if absent {
                Exit::NotFound
            } else if denied {
                Exit::Permission
            } else {
                Exit::Unavailable
            };
            Failure::new(exit, "file.unreadable", error).then("check the path and the medium")
        }
        OpenBundleError::Strange { .. } | OpenBundleError::TooLarge | OpenBundleError::Tar(_) => {
            Failure::new(Exit::Integrity, "bundle.altered", error).then(STOP)
        }
    }
}
