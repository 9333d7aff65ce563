//! ir, cr, p10cr and kur: a new key, or a request that is there, and the certificate for it.

use std::path::Path;

use ca_core::csr::CertificationRequest;
use ca_core::distinguished_name::DistinguishedName;
use ca_core::oid;
use client_kit::FileKey;
use cmp_client::{
    CmpError, Conversation, Issued, KeylessBody, KeylessRequest, Means, Operation, Outcome, Question, Request,
};
use est_client::RequestContent;

use super::peer::Peer;
use super::talk::{Got, Talk};
use crate::cli::cmp::{EnrolArgs, KeyUpdateArgs, Pkcs10Args, ResultArgs};
use crate::commands::credential;
use crate::commands::credential::file::{self, CredentialFile};
use crate::commands::credential::keys::OwnKey;
use crate::commands::credential::pending::{self, Pending};
use crate::commands::credential::{check_key, not_there, not_yet_due};
use crate::commands::printer::Printer;
use crate::exit::{Exit, Failure};

const RENEWAL: &str = "cmp kur";

pub(super) async fn enrol(args: &EnrolArgs, operation: Operation, printer: &Printer) -> Result<(), Failure> {
    let out = args.new.out.as_path();
    not_there(out, RENEWAL)?;
    let peer = Peer::of(&args.peer, Some(&args.result))?;
    let content = content(&peer, args.new.common_name.as_deref())?;
    let talk = Talk::new(&peer, &args.peer, operation, Some(out))?;
    if args.central_key {
        let by = if operation == Operation::Initialization {
            KeylessBody::Initialization
        } else {
            KeylessBody::Certification
        };
        return with_central_key((out, &peer), &talk, (by, &content), (&args.result, printer)).await;
    }
    let curve = pending::curve(None, args.new.suite);
    let pending = Pending::take_up(out, &peer.place, &content, || peer.place.generate(curve, &label(out)))?;
    let got = talk
        .go_on(|| {
            let request = crmf(&content, &pending.key);
            peer.client.begin(&if operation == Operation::Initialization {
                Question::Initialization(request)
            } else {
                Question::Certification(request)
            })
        })
        .await?;
    let Some(issued) = issued(got, printer)? else { return Ok(()) };
    check_key(&issued.certificate, &public_key(&pending.key)?)?;
    write(out, &issued, pending.key.in_file.as_deref(), (&args.result, printer))?;
    talk.over();
    pending.answered();
    Ok(())
}

pub(super) async fn pkcs10(args: &Pkcs10Args, printer: &Printer) -> Result<(), Failure> {
    let out = args.new.out.as_path();
    not_there(out, RENEWAL)?;
    let peer = Peer::of(&args.peer, Some(&args.result))?;
    let (pending, request) = match &args.csr {
        Some(file) => (None, read_request(file)?),
        None => {
            let content = content(&peer, args.new.common_name.as_deref())?;
            let curve = pending::curve(None, args.new.suite);
            let make = || peer.place.generate(curve, &label(out));
            let pending = Pending::take_up(out, &peer.place, &content, make)?;
            let request = CertificationRequest::from_der(&pending.request)
                .map_err(|error| Failure::new(Exit::Failed, "request.not-made", error))?;
            (Some(pending), request)
        }
    };
    let talk = Talk::new(&peer, &args.peer, Operation::Pkcs10, Some(out))?;
    let begin = || -> Result<Conversation, CmpError> { peer.client.begin(&Question::Pkcs10(&request)) };
    let Some(issued) = issued(talk.go_on(begin).await?, printer)? else { return Ok(()) };
    check_key(&issued.certificate, request.public_key())?;
    let key = pending.as_ref().and_then(|pending| pending.key.in_file.as_deref());
    write(out, &issued, key, (&args.result, printer))?;
    talk.over();
    if let Some(pending) = pending {
        pending.answered();
    }
    Ok(())
}

/// RFC 9483 §4.1.3: the certificate that is renewed signs, and its names stay. One for key agreement cannot: then oldCertId names it.
pub(super) async fn update(args: &KeyUpdateArgs, printer: &Printer) -> Result<(), Failure> {
    let Some(path) = args.old.as_ref().or(args.peer.credential.as_ref()) else {
        let message = "--credential names what is to be renewed";
        return Err(Failure::new(Exit::Usage, "credential.missing", message));
    };
    let held = CredentialFile::read(path)?.certificate;
    if args.at_half_life && not_yet_due(&held, printer) {
        return Ok(());
    }
    let peer = Peer::of(&args.peer, Some(&args.result))?;
    let names = held.extensions().iter().filter(|one| one.extn_id == oid::SUBJECT_ALT_NAME);
    let content = RequestContent {
        subject: held.subject().clone(),
        extensions: names.cloned().collect(),
        challenge_password: None,
    };
    let talk = Talk::new(&peer, &args.peer, Operation::KeyUpdate, Some(path))?;
    if args.key.central_key {
        let by = KeylessBody::KeyUpdate(&held);
        return with_central_key((path, &peer), &talk, (by, &content), (&args.result, printer)).await;
    }
    let pending = Pending::take_up(path, &peer.place, &content, || match args.key.same_key {
        true => peer.place.find(held.public_key().key_ref(), CredentialFile::read(path)?.key),
        false => peer.place.generate(held.public_key().curve(), &label(path)),
    })?;
    let begin = || peer.client.begin(&Question::KeyUpdate(crmf(&content, &pending.key), &held));
    let Some(issued) = issued(talk.go_on(begin).await?, printer)? else { return Ok(()) };
    check_key(&issued.certificate, &public_key(&pending.key)?)?;
    write(path, &issued, pending.key.in_file.as_deref(), (&args.result, printer))?;
    talk.over();
    pending.answered();
    if args.destroy_former_key { peer.place.destroy(&held.public_key().key_ref()) } else { Ok(()) }
}

/// RFC 9483 §4.1.6: the authority makes the key. As long as it is in no file here, the conversation that is kept holds it, sealed.
async fn with_central_key(
    (out, peer): (&Path, &Peer),
    talk: &Talk<'_>,
    (by, content): (KeylessBody<'_>, &RequestContent),
    told: (&ResultArgs, &Printer),
) -> Result<(), Failure> {
    let request = KeylessRequest { by, subject: &content.subject, extensions: &content.extensions };
    let got = talk.go_on(|| peer.client.begin(&Question::CentralKey(request))).await?;
    let Some(issued) = issued(got, told.1)? else { return Ok(()) };
    let not_a_key = |error: &dyn std::fmt::Display| Failure::new(Exit::Failed, "answer.key", error);
    let made = issued.key.as_ref().ok_or_else(|| not_a_key(&"there is no private key in the answer"))?;
    let key = FileKey::from_der(made.pkcs8()).map_err(|error| not_a_key(&error))?;
    check_key(&issued.certificate, key.public())?;
    write(out, &issued, Some(&key), told)?;
    talk.over();
    Ok(())
}

fn crmf<'a>(content: &'a RequestContent, OwnKey { key, signer, .. }: &'a OwnKey) -> Request<'a> {
    Request { subject: &content.subject, extensions: &content.extensions, key, signer: &**signer }
}

/// RFC 9483 §4.1.5: whoever does not know its name yet takes the reference of the secret.
fn content(peer: &Peer, common_name: Option<&str>) -> Result<RequestContent, Failure> {
    let named = |name: &str| {
        DistinguishedName::from_attributes(&[(oid::COMMON_NAME, name)])
            .map_err(|error| Failure::new(Exit::Usage, "name.faulty", error))
    };
    let subject = match (common_name, &peer.held, &peer.client.means) {
        (Some(name), ..) => named(name)?,
        (None, Some(held), _) => held.subject().clone(),
        (None, None, Means::Mac(shared)) => named(&shared.reference)?,
        (None, None, Means::Signature(_)) => DistinguishedName::empty(),
    };
    Ok(RequestContent { subject, extensions: Vec::new(), challenge_password: None })
}

/// Reads a certification request, PEM or DER.
pub(in crate::commands) fn read_request(path: &Path) -> Result<CertificationRequest, Failure> {
    let faulty = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Usage, "request.faulty", format!("{}: {error}", path.display()))
    };
    let octets = file::read(path)?;
    let der = match octets.first() {
        Some(0x30) => octets,
        Some(_) | None => der::pem::decode_vec(&octets).map_err(|error| faulty(&error))?.1,
    };
    CertificationRequest::from_der(&der).map_err(|error| faulty(&error))
}

fn label(out: &Path) -> String {
    out.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn public_key(OwnKey { key, signer, .. }: &OwnKey) -> Result<ca_core::public_key::PublicKey, Failure> {
    signer.public_key(key).map_err(|error| Failure::new(Exit::Failed, "key.not-found", error))
}

/// Returns the certificate, unless a message waits for somebody to carry it.
fn issued(got: Got, printer: &Printer) -> Result<Option<Issued>, Failure> {
    match got {
        Got::Outcome(Outcome::Issued(issued)) => Ok(Some(issued)),
        Got::Outcome(Outcome::Revoked | Outcome::RevokedBefore | Outcome::Told(_)) => {
            Err(Failure::new(Exit::Failed, "cmp.answer", "the conversation came to something else"))
        }
        Got::Written { file, after } => {
            super::written(&file, after, printer);
            Ok(None)
        }
    }
}

/// The chain and the roots first, so that whoever finds the certificate finds them too.
fn write(
    out: &Path,
    issued: &Issued,
    key: Option<&FileKey>,
    (result, printer): (&ResultArgs, &Printer),
) -> Result<(), Failure> {
    if let Some(path) = &result.chain_out {
        file::replace_text(path, &file::certificates_text(&issued.chain)?)?;
    }
    if let Some(path) = &result.roots_out {
        file::replace_text(path, &file::certificates_text(&issued.roots)?)?;
    }
    credential::written(out, &issued.certificate, key, printer)
}
