//! `meter-pki ceremony verify BUNDLE`: checks the bundle of a ceremony again; what is checked is decided in `ceremony`.

use std::io::ErrorKind;
use std::path::Path;

use ceremony::bundle::{Bundle, OpenBundleError};
use ceremony::verify::{BundleFinding, Checked, Report};
use ceremony::words::Fingerprint;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::printer::Printer;
use crate::exit::{Exit, Failure};
use crate::operator::wire::words::Sha256;

const STOP: &str = "rely on nothing in it, keep it as it is, and compare it with the second medium";

/// What there is to say of a bundle.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CheckedBundle)]
pub(in crate::commands) struct BundleView {
    /// The title of the ceremony.
    title: String,
    /// For which time it speaks.
    held: String,
    /// Whether it was a rehearsal.
    rehearsal: bool,
    /// SHA-256 of the ceremony file.
    #[schema(value_type = Option<Sha256>)]
    ceremony: Option<Fingerprint>,
    /// SHA-256 of the manifest.
    #[schema(value_type = Option<Sha256>)]
    manifest: Option<Fingerprint>,
    /// SHA-256 of the manifest of the bundle before, if one was looked at.
    #[schema(value_type = Option<Sha256>)]
    previous: Option<Fingerprint>,
    /// What was looked at.
    checked: CheckedCounts,
    /// What is worth knowing and no fault.
    remarks: Vec<String>,
    /// What is not in order.
    findings: Vec<FindingView>,
}

/// How much was looked at.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CheckedBundleCounts)]
pub(in crate::commands) struct CheckedCounts {
    /// Files under the manifest.
    files: usize,
    /// Steps of the transcript.
    steps: usize,
    /// Signatures by people.
    signatures: usize,
    /// Certificates whose to-be-signed octets were derived once more.
    certificates: usize,
    /// CRLs whose to-be-signed octets were derived once more.
    crls: usize,
    /// Responses that were opened.
    responses: usize,
}

/// Something that is not in order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CheckedBundleFinding)]
pub(in crate::commands) struct FindingView {
    /// The file in which it was found.
    file: Option<String>,
    /// The step that it is about.
    step: Option<u32>,
    /// What is wrong, in a sentence.
    what: String,
}

impl From<&Report> for BundleView {
    fn from(report: &Report) -> Self {
        let Report { title, held, rehearsal, ceremony, manifest, previous, checked, remarks, findings } =
            report.clone();
        let Checked { files, steps, signatures, certificates, crls, responses } = checked;
        let checked = CheckedCounts { files, steps, signatures, certificates, crls, responses };
        let one = |BundleFinding { file, step, what }| FindingView { file, step, what };
        let findings = findings.into_iter().map(one).collect();
        Self { title, held, rehearsal, ceremony, manifest, previous, checked, remarks, findings }
    }
}

pub(super) fn verify(path: &Path, previous: Option<&Path>, printer: &Printer) -> Result<(), Failure> {
    let open = |path: &Path| Bundle::open(path).map_err(|error| unreadable(&error));
    let bundle = open(path)?;
    let report = match previous {
        Some(previous) => ceremony::verify::verify_after(&bundle, open(previous)?),
        None => ceremony::verify::verify(&bundle),
    };
    printer.result(&BundleView::from(&report), |_| report.to_string().lines().map(str::to_owned).collect());
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
