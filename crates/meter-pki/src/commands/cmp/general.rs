//! genm: CA certificates, the next root, a request template, a CRL.

use std::path::Path;

use ca_core::certificate::Certificate;
use ca_core::crl::parsed::ParsedCrl;
use ca_core::distinguished_name::DistinguishedName;
use ca_core::validity::UnixTime;
use ceremony::words::Fingerprint;
use cmp_client::{CrlWanted, Information, Operation, Outcome, Question, RootUpdate, Template};
use serde::Serialize;
use utoipa::ToSchema;

use super::peer::{Peer, one_certificate};
use super::talk::{Got, Talk};
use crate::cli::cmp::{GeneralArgs, GeneralWhat};
use crate::commands::credential::file;
use crate::commands::printer::{Printer, aloud};
use crate::exit::{Exit, Failure};
use crate::operator::wire::words::{CurveWord, Sha256, TimeText};

/// Certificates that were written.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CmpCertificates)]
pub(in crate::commands) struct CertificatesView {
    file: Option<String>,
    certificates: Vec<CertificateView>,
}

/// A certificate that the authority gave.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CmpCertificate)]
pub(in crate::commands) struct CertificateView {
    subject: String,
    #[schema(value_type = Sha256)]
    sha256: Fingerprint,
}

/// What an authority wants of a request; what is absent is as the client likes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CmpTemplate)]
pub(in crate::commands) struct WantedView {
    #[schema(value_type = Vec<CurveWord>)]
    curves: Vec<String>,
    subject: Option<String>,
    extensions: Vec<String>,
}

/// A CRL that was written, or that there is nothing younger.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CmpCrl)]
pub(in crate::commands) struct CrlView {
    file: Option<String>,
    #[schema(value_type = Option<TimeText>)]
    this_update: Option<String>,
    #[schema(value_type = Option<TimeText>)]
    next_update: Option<String>,
}

pub(super) async fn ask(args: &GeneralArgs, printer: &Printer) -> Result<(), Failure> {
    let out = out(args)?;
    let peer = Peer::of(&args.peer, None)?;
    let of = of(args)?;
    let (operation, question) = match (args.what, &of) {
        (GeneralWhat::CaCerts, _) => (Operation::GetCaCerts, Question::CaCertificates),
        (GeneralWhat::Template, _) => (Operation::GetCertReqTemplate, Question::Template),
        (GeneralWhat::RootUpdate, Some(old)) => (Operation::GetRootUpdate, Question::RootUpdate(old)),
        (GeneralWhat::Crl, Some(issuer)) => {
            (Operation::GetCrls, Question::Crl(crl_wanted(args, issuer.subject(), out)?))
        }
        (GeneralWhat::RootUpdate | GeneralWhat::Crl, None) => {
            let message = "--of names the root that is to be followed, or the CA whose CRL is wanted";
            return Err(Failure::new(Exit::Usage, "certificate.missing", message));
        }
    };
    let talk = Talk::new(&peer, &args.peer, operation, out)?;
    match talk.go_on(|| peer.client.begin(&question)).await? {
        Got::Written { file, after } => super::written(&file, after, printer),
        Got::Outcome(Outcome::Told(information)) => {
            tell(information, (out, of.as_ref()), printer)?;
            talk.over();
        }
        Got::Outcome(Outcome::Issued(_) | Outcome::Revoked | Outcome::RevokedBefore) => {
            let message = "the conversation came to something else";
            return Err(Failure::new(Exit::Failed, "cmp.answer", message));
        }
    }
    Ok(())
}

/// Only a template is shown and not written.
fn out(args: &GeneralArgs) -> Result<Option<&Path>, Failure> {
    match (&args.out, args.what) {
        (None, GeneralWhat::CaCerts | GeneralWhat::RootUpdate | GeneralWhat::Crl) => {
            Err(Failure::new(Exit::Usage, "out.missing", "--out names the file for what comes"))
        }
        (out, _) => Ok(out.as_deref()),
    }
}

fn of(args: &GeneralArgs) -> Result<Option<Certificate>, Failure> {
    args.of.as_deref().map(one_certificate).transpose()
}

/// RFC 9483 §4.3.4: thisUpdate is that of the CRL which is there already.
fn crl_wanted<'a>(
    args: &'a GeneralArgs,
    issuer: &'a DistinguishedName,
    out: Option<&Path>,
) -> Result<CrlWanted<'a>, Failure> {
    let there = out.filter(|path| path.exists());
    let this_update = there.map(|path| Ok(period(&read_crl(path)?)?.0)).transpose()?;
    Ok(CrlWanted { distribution_point: args.distribution_point.as_deref(), issuer, this_update })
}

fn read_crl(path: &Path) -> Result<Vec<u8>, Failure> {
    let octets = file::read(path)?;
    match octets.first() {
        Some(0x30) => Ok(octets),
        Some(_) | None => der::pem::decode_vec(&octets)
            .map(|(_, der)| der)
            .map_err(|error| Failure::new(Exit::Usage, "crl.faulty", format!("{}: {error}", path.display()))),
    }
}

fn period(crl: &[u8]) -> Result<(UnixTime, UnixTime), Failure> {
    let faulty = |error| Failure::new(Exit::Failed, "crl.faulty", error);
    ParsedCrl::from_der(crl).and_then(|crl| crl.tbs().period()).map_err(faulty)
}

fn tell(
    information: Information,
    (out, of): (Option<&Path>, Option<&Certificate>),
    printer: &Printer,
) -> Result<(), Failure> {
    match information {
        Information::CaCertificates(all) => certificates(&all, out, printer),
        Information::RootUpdate(None) => certificates(&[], None, printer),
        Information::RootUpdate(Some(RootUpdate { new_with_new, new_with_old, old_with_new })) => {
            let all: Vec<Vec<u8>> = [new_with_new, new_with_old].into_iter().chain(old_with_new).collect();
            certificates(&all, out, printer)
        }
        Information::Template(template) => {
            show(template, printer);
            Ok(())
        }
        Information::Crl(crl) => write_crl(crl, (out, of), printer),
    }
}

fn certificates(all: &[Vec<u8>], out: Option<&Path>, printer: &Printer) -> Result<(), Failure> {
    let out = out.filter(|_| !all.is_empty());
    if let Some(path) = out {
        file::replace_text(path, &file::certificates_text(all)?)?;
    }
    let named = |der: &Vec<u8>| CertificateView {
        subject: Certificate::from_der(der).map_or_else(|e| e.to_string(), |one| one.subject().to_string()),
        sha256: Fingerprint::of(der),
    };
    let view = CertificatesView {
        file: out.map(|path| path.display().to_string()),
        certificates: all.iter().map(named).collect(),
    };
    printer.result(&view, |view| match &view.file {
        None => vec!["the authority has no certificate to give".to_owned()],
        Some(file) => {
            let mut lines = vec![format!("{} certificates are in {file}", view.certificates.len())];
            for one in &view.certificates {
                lines.extend(aloud(&format!("SHA-256 of {}", one.subject), &one.sha256));
            }
            lines
        }
    });
    Ok(())
}

fn show(template: Option<Template>, printer: &Printer) {
    let wanted = template.unwrap_or(Template { subject: None, extensions: Vec::new(), curves: Vec::new() });
    let view = WantedView {
        curves: wanted.curves.iter().map(ToString::to_string).collect(),
        subject: wanted.subject.map(|name| name.to_string()),
        extensions: wanted.extensions.iter().map(|one| one.extn_id.to_string()).collect(),
    };
    printer.result(&view, |view| {
        let likes = || "as the client likes".to_owned();
        let curves = if view.curves.is_empty() { likes() } else { view.curves.join(" or ") };
        vec![
            format!("curve: {curves}"),
            match view.subject.as_deref() {
                None => format!("subject: {}", likes()),
                Some("") => "subject: to be filled in".to_owned(),
                Some(subject) => format!("subject: {subject}"),
            },
            format!("extensions: {}", view.extensions.join(", ")),
        ]
    });
}

fn write_crl(
    crl: Option<Vec<u8>>,
    (out, of): (Option<&Path>, Option<&Certificate>),
    printer: &Printer,
) -> Result<(), Failure> {
    let mut view = CrlView { file: None, this_update: None, next_update: None };
    if let (Some(der), Some(path)) = (crl, out) {
        let verified = ParsedCrl::from_der(&der)
            .is_ok_and(|crl| of.is_some_and(|issuer| crl.verify(issuer.public_key()).is_ok()));
        if !verified {
            let message = "the CA that --of names did not sign the CRL";
            return Err(Failure::new(Exit::Integrity, "crl.signature", message));
        }
        let (this_update, next_update) = period(&der)?;
        file::replace_text(path, &file::pem("X509 CRL", &der)?)?;
        view = CrlView {
            file: Some(path.display().to_string()),
            this_update: Some(this_update.to_string()),
            next_update: Some(next_update.to_string()),
        };
    }
    printer.result(&view, |view| {
        vec![match (&view.file, &view.this_update, &view.next_update) {
            (Some(file), Some(this), Some(next)) => {
                format!("the CRL of {this} is in {file}; the next comes by {next}")
            }
            _ => "the authority has no CRL that is younger".to_owned(),
        }]
    });
    Ok(())
}
