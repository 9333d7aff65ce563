//! `meter-pki ceremony verify BUNDLE`: checks the bundle of a ceremony again; what is checked is decided in `ceremony`.

use std::io::ErrorKind;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ceremony::bundle::{Bundle, OpenBundleError};

use super::super::printer::Printer;
use crate::exit::{Exit, Failure};
use crate::operator::client::OperatorClient;
use crate::operator::wire::bundles::{BundleText, CheckedBundleView};
use crate::plain_text::plain;

const STOP: &str = "rely on nothing in it, keep it as it is, and compare it with the second medium";

pub(super) fn verify(path: &Path, previous: Option<&Path>, printer: &Printer) -> Result<(), Failure> {
    let open = |path: &Path| Bundle::open(path).map_err(|error| unreadable(&error));
    let bundle = open(path)?;
    let report = match previous {
        Some(previous) => ceremony::verify::verify_after(&bundle, open(previous)?),
        None => ceremony::verify::verify(&bundle),
    };
    printer.result(&CheckedBundleView::from(&report), |_| {
        report.to_string().lines().map(str::to_owned).collect()
    });
    judged(report.findings.len())
}

/// Has the server check it.
pub(super) async fn verify_served(
    path: &Path,
    previous: Option<&Path>,
    (client, printer): (&OperatorClient, &Printer),
) -> Result<(), Failure> {
    let read = |path: &Path| {
        let cause = |cause| unreadable(&OpenBundleError::Unreadable { path: path.to_owned(), cause });
        std::fs::read(path).map(|octets| STANDARD.encode(octets)).map_err(cause)
    };
    let text = BundleText { bundle: read(path)?, previous: previous.map(read).transpose()? };
    let view: CheckedBundleView = client.post("/v1/ceremonies/bundle-reports", &text).await?;
    printer.result(&view, lines);
    judged(view.findings.len())
}

fn lines(view: &CheckedBundleView) -> Vec<String> {
    let says = if view.intact { "is intact" } else { "is NOT as the ceremony left it" };
    let digest = |digest: &Option<String>| digest.clone().unwrap_or_else(|| "-".to_owned());
    let checked = &view.checked;
    let mut lines = vec![
        format!("The bundle {says}."),
        format!("ceremony:  {}, held {}", plain(&view.title), view.held),
        format!("file:      {}", digest(&view.ceremony)),
        format!("manifest:  {}", digest(&view.manifest)),
        format!(
            "checked:   {} files, {} steps, {} signatures, {} certificates, {} CRLs, {} responses",
            checked.files,
            checked.steps,
            checked.signatures,
            checked.certificates,
            checked.crls,
            checked.responses
        ),
    ];
    lines.extend(view.rehearsal.then(|| "It was a REHEARSAL.".to_owned()));
    lines.extend(view.remarks.iter().map(|remark| format!("remark:    {}", plain(remark))));
    lines.extend(view.findings.iter().map(|one| {
        let file = one.file.as_deref().map(|file| format!("{}: ", plain(file))).unwrap_or_default();
        let step = one.step.map(|step| format!("step {step}: ")).unwrap_or_default();
        format!("finding:   {file}{step}{}", plain(&one.what))
    }));
    lines
}

fn judged(findings: usize) -> Result<(), Failure> {
    if findings == 0 {
        return Ok(());
    }
    let what = format!("the bundle is not as the ceremony left it: {findings} findings");
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
