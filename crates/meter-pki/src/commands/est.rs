//! `meter-pki est`: the EST client of gateways, hand-held units and head-ends.
//!
//! It asks any server, and never the ledger. The key of a request is on disk before the request is sent; certificate and key are
//! replaced together.

use std::path::Path;
use std::time::Duration;

use ca_core::certificate::Certificate;
use ca_core::distinguished_name::DistinguishedName;
use ca_core::oid;
use ca_core::path::{Purpose, TrustAnchor};
use ca_core::ports::Clock as _;
use ceremony::words::Fingerprint;
use cms_messages::enveloped::Envelope;
use est_client::{
    CaCertificates, Connection, CsrAttributes, DeliveredKey, Endpoint, EstError, FileKey, Identity,
    KeySigners, MadeKey, Operation, Password, RequestContent, Trust,
};
use serde::Serialize;
use tokio::time::{Instant, sleep};
use utoipa::ToSchema;
use x509_cert::ext::Extension;
use zeroize::Zeroizing;

use super::credential::file::{self as credential_file, CredentialFile};
use super::credential::keys::{KeyPlace, OwnKey};
use super::credential::pending::{self, Pending};
use super::credential::{check_key, identity, not_there, not_yet_due, roots, written};
use super::printer::{Printer, aloud};
use crate::cli::est::{AskArgs, CacertsArgs, EnrolArgs, EstCommand, ReEnrolArgs, ServerArgs, ServerKeyArgs};
use crate::compose::SystemClock;
use crate::exit::{Exit, Failure};
use crate::operator::wire::words::Sha256;

/// CA certificates that were written.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EstCertificates)]
pub(in crate::commands) struct CaCertificatesView {
    file: String,
    certificates: Vec<CaCertificateView>,
    /// Those that the server gave and no trusted root vouches for: they are not in the file.
    left_out: Vec<CaCertificateView>,
}

/// A CA certificate that the server gave.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EstCertificate)]
pub(in crate::commands) struct CaCertificateView {
    subject: String,
    #[schema(value_type = Sha256)]
    sha256: Fingerprint,
}

/// What a server wants of a request; what is absent is as the client likes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EstAttributes)]
pub(in crate::commands) struct WantedView {
    curve: Option<String>,
    subject: Option<String>,
    extensions: Vec<String>,
    challenge_password: bool,
}

pub(super) async fn run(verb: &EstCommand, printer: &Printer) -> Result<(), Failure> {
    match verb {
        EstCommand::Cacerts(args) => ca_certificates(args, printer).await,
        EstCommand::Csrattrs(args) => csr_attributes(args, printer).await,
        EstCommand::Enrol(args) => enrol(args, printer).await,
        EstCommand::ReEnrol(args) => re_enrol(args, printer).await,
        EstCommand::Serverkeygen(args) => server_key(args, printer).await,
    }
}

/// How to reach the server, again and again.
struct Way {
    endpoint: Endpoint,
    trust: Trust,
    identity: Identity,
    password: Option<Password>,
}

impl Way {
    fn of(args: &ServerArgs, place: &KeyPlace) -> Result<Self, Failure> {
        let (identity, password) = match (&args.credential, &args.password_file) {
            (Some(file), _) => (identity(CredentialFile::read(file)?, place)?, None),
            (None, Some(file)) => {
                let text = credential_file::read_text(file)?;
                let secret = Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned());
                (Identity::Anonymous, Some(Password { user: args.user.clone(), secret }))
            }
            (None, None) => (Identity::Anonymous, None),
        };
        Ok(Self {
            endpoint: endpoint(&args.url)?,
            trust: Trust::Roots(roots(&args.trust)?),
            identity,
            password,
        })
    }

    async fn connect(&self) -> Result<Connection, EstError> {
        let connection = Connection::open(&self.endpoint, &self.trust, &self.identity).await?;
        Ok(match &self.password {
            Some(password) => connection.with_password(password.clone()),
            None => connection,
        })
    }
}

fn endpoint(url: &str) -> Result<Endpoint, Failure> {
    Endpoint::parse(url).map_err(|error| Failure::new(Exit::Usage, "url.faulty", error))
}

/// RFC 7030 §4.1.1: without roots, what the server gives is trusted by the fingerprint of a root, and then by that root.
async fn ca_certificates(args: &CacertsArgs, printer: &Printer) -> Result<(), Failure> {
    let endpoint = endpoint(&args.url)?;
    let roots = match (&args.trust, &args.fingerprint) {
        (Some(file), _) => roots(file)?,
        (None, fingerprint) => vec![found(&endpoint, fingerprint.as_deref().unwrap_or_default()).await?],
    };
    let trust = Trust::Roots(roots.clone());
    let mut connection = Connection::open(&endpoint, &trust, &Identity::Anonymous).await.map_err(failure)?;
    let received = connection.ca_certificates().await.map_err(failure)?;
    let CaCertificates { validated, others } = CaCertificates::validate(received, &roots, SystemClock.now());
    if validated.is_empty() {
        let message = "none of the CA certificates that the server gave leads to a root that is trusted";
        return Err(Failure::new(Exit::Integrity, "cacerts.no-path", message)
            .then("if the label is of another PKI than the server's own certificate, put its root into the file of --trust too"));
    }
    credential_file::replace_text(&args.out, &credential_file::certificates_text(&validated)?)?;
    let named = |der: &Vec<u8>| CaCertificateView {
        subject: Certificate::from_der(der).map_or_else(|e| e.to_string(), |one| one.subject().to_string()),
        sha256: Fingerprint::of(der),
    };
    let view = CaCertificatesView {
        file: args.out.display().to_string(),
        certificates: validated.iter().map(named).collect(),
        left_out: others.iter().map(named).collect(),
    };
    printer.result(&view, |view| {
        let mut lines = vec![format!("{} certificates are in {}", view.certificates.len(), view.file)];
        for one in &view.certificates {
            lines.extend(aloud(&format!("SHA-256 of {}", one.subject), &one.sha256));
        }
        let left_out = |one: &CaCertificateView| {
            format!("left out, since no trusted root vouches for it: {}", one.subject)
        };
        lines.extend(view.left_out.iter().map(left_out));
        lines
    });
    Ok(())
}

async fn found(endpoint: &Endpoint, fingerprint: &str) -> Result<Vec<u8>, Failure> {
    let digits: String = fingerprint.chars().filter(|digit| !matches!(digit, ' ' | ':')).collect();
    let wanted = hex::decode(digits).map_err(|_| {
        Failure::new(Exit::Usage, "fingerprint.faulty", "--fingerprint has 64 hexadecimal digits")
    })?;
    let connection = Connection::open(endpoint, &Trust::Nobody, &Identity::Anonymous).await;
    let certificates = connection.map_err(failure)?.ca_certificates().await.map_err(failure)?;
    let root = certificates.into_iter().find(|der| *Fingerprint::of(der).octets() == *wanted);
    root.ok_or_else(|| {
        Failure::new(Exit::Integrity, "fingerprint.other", "no certificate of the server has this fingerprint")
            .then("this is another server than meant, or somebody between: compare the fingerprint where it was published")
    })
}

async fn csr_attributes(args: &ServerArgs, printer: &Printer) -> Result<(), Failure> {
    let way = Way::of(args, &KeyPlace::open(args.token.as_deref())?)?;
    let told = way.connect().await.map_err(failure)?.csr_attributes().await.map_err(failure)?;
    let view = WantedView {
        curve: told.curve.map(|curve| curve.to_string()),
        subject: told.subject.as_ref().map(ToString::to_string),
        extensions: told.extensions.iter().map(|one| one.extn_id.to_string()).collect(),
        challenge_password: told.challenge_password,
    };
    printer.result(&view, |view| {
        let or_any = |text: &Option<String>| text.clone().unwrap_or_else(|| "as the client likes".to_owned());
        let wanted = if view.challenge_password { "wanted" } else { "not wanted" };
        vec![
            format!("curve: {}", or_any(&view.curve)),
            format!("subject: {}", or_any(&view.subject)),
            format!("extensions: {}", view.extensions.join(", ")),
            format!("challengePassword: {wanted}"),
        ]
    });
    Ok(())
}

async fn enrol(args: &EnrolArgs, printer: &Printer) -> Result<(), Failure> {
    not_there(&args.out, "est re-enrol")?;
    let place = KeyPlace::open(args.server.token.as_deref())?;
    let way = Way::of(&args.server, &place)?;
    let label = args.out.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let wish = Wish { out: &args.out, operation: Operation::SimpleEnroll, ask: &args.ask };
    let (pending, certificate) = asked(&way, &place, &wish, |told| {
        let content = first_content(told, args.common_name.as_deref())?;
        let curve = pending::curve(told.curve, args.suite);
        let (place, label) = (&place, label.clone());
        Ok((content, Box::new(move || place.generate(curve, &label))))
    })
    .await?;
    written(&args.out, &certificate, pending.key.in_file.as_deref(), printer)?;
    pending.answered();
    Ok(())
}

async fn re_enrol(args: &ReEnrolArgs, printer: &Printer) -> Result<(), Failure> {
    let Some(path) = &args.server.credential else {
        return Err(Failure::new(
            Exit::Usage,
            "credential.missing",
            "--credential names what is to be renewed",
        ));
    };
    let held = CredentialFile::read(path)?.certificate;
    if args.at_half_life && not_yet_due(&held, printer) {
        return Ok(());
    }
    let place = KeyPlace::open(args.server.token.as_deref())?;
    let way = Way::of(&args.server, &place)?;
    let label = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let wish = Wish { out: path, operation: Operation::SimpleReenroll, ask: &args.ask };
    let (pending, certificate) = asked(&way, &place, &wish, |told| {
        let (place, label, curve) = (&place, label.clone(), held.public_key().curve());
        let former = held.public_key().key_ref();
        let make = move || match args.same_key {
            true => place.find(former, CredentialFile::read(path)?.key),
            false => place.generate(curve, &label),
        };
        Ok((renewal_content(told, &held), Box::new(make)))
    })
    .await?;
    written(path, &certificate, pending.key.in_file.as_deref(), printer)?;
    pending.answered();
    if args.destroy_former_key { place.destroy(&held.public_key().key_ref()) } else { Ok(()) }
}

/// RFC 7030 §4.4: the key of the request is ignored; one is made all the same, since a request has one.
async fn server_key(
    ServerKeyArgs { enrol: args, decrypt_by }: &ServerKeyArgs,
    printer: &Printer,
) -> Result<(), Failure> {
    not_there(&args.out, "est re-enrol")?;
    let way = Way::of(&args.server, &KeyPlace::open(args.server.token.as_deref())?)?;
    let mut connection = way.connect().await.map_err(failure)?;
    let told = connection.csr_attributes().await.map_err(failure)?;
    let content =
        bound(first_content(&told, args.common_name.as_deref())?, &told, args.ask.bind, &connection)?;
    let ignored = KeyPlace::Files.generate(pending::curve(told.curve, args.suite), "")?;
    let own = decrypt_by.as_deref().map(decryption_key).transpose()?;
    let request = match &own {
        Some((identifier, _)) => {
            est_client::key_request(&content, identifier, &ignored.key, &*ignored.signer)
        }
        None => est_client::request(&content, &ignored.key, &*ignored.signer),
    };
    let delivered = connection.server_key(&request.map_err(failure)?).await.map_err(failure)?;
    let (key, certificate) = delivered;
    let key = match (key, own) {
        (DeliveredKey::InTls(pkcs8), None) => FileKey::from_der(&pkcs8).map_err(|error| no_key(&error))?,
        (DeliveredKey::Enveloped(envelope), Some((_, own))) => {
            decrypted(&envelope, &own, &args.server.trust)?
        }
        // What was asked to be encrypted is not taken otherwise, and nobody else's key is of use.
        (DeliveredKey::InTls(_), Some(_)) => return Err(no_key(&"it was to be encrypted, and is not")),
        (DeliveredKey::Enveloped(_), None) => {
            return Err(no_key(&"it is encrypted, and nobody asked for that"));
        }
    };
    check_key(&certificate, key.public())?;
    written(&args.out, &certificate, Some(&key), printer)
}

/// The key to which the server encrypts another, with the name of it.
fn decryption_key(path: &Path) -> Result<(Vec<u8>, FileKey), Failure> {
    let CredentialFile { certificate, key, .. } = CredentialFile::read(path)?;
    let faulty = |why: &str| {
        Failure::new(Exit::Usage, "credential.faulty", format!("{}: there is no {why} in it", path.display()))
    };
    let identifier = certificate.subject_key_identifier().ok_or_else(|| faulty("subject key identifier"))?;
    Ok((identifier, key.ok_or_else(|| faulty("private key"))?))
}

/// RFC 7030 §4.4.2: signed by who made it, whom a root that is trusted vouches for.
fn decrypted(envelope: &Envelope, own: &FileKey, trust: &Path) -> Result<FileKey, Failure> {
    let opened = envelope.open_by_key(own).map_err(|error| no_key(&error))?;
    let read = |der: &Vec<u8>| Certificate::from_der(der).ok().map(|one| TrustAnchor::from_certificate(&one));
    let anchors: Vec<TrustAnchor> = roots(trust)?.iter().filter_map(read).collect();
    let purposes = &[Purpose::KeyGenerationAuthority, Purpose::CmpAuthority];
    let signers = KeySigners { anchors: Some(&anchors), purposes, now: SystemClock.now() };
    let made = MadeKey::from_opened(&opened, &signers)
        .map_err(|error| Failure::new(Exit::Integrity, "answer.key-signer", error))?;
    FileKey::from_der(made.pkcs8()).map_err(|error| no_key(&error))
}

fn no_key(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Failed, "answer.key", format!("the key of the answer cannot be used: {error}"))
}

/// What is asked for, and where the answer goes.
struct Wish<'a> {
    out: &'a Path,
    operation: Operation,
    ask: &'a AskArgs,
}

type Make<'a> = Box<dyn FnOnce() -> Result<OwnKey, Failure> + 'a>;

/// Why one attempt came to nothing.
enum Trouble {
    /// With the server: it may help to come again.
    Est(EstError),
    /// Here: it does not.
    Own(Failure),
}

impl From<EstError> for Trouble {
    fn from(error: EstError) -> Self {
        Self::Est(error)
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Own(failure)
    }
}

/// Asks, and comes again for as long as was said; each time on a new connection, with the key that waits beside the file.
async fn asked<'a>(
    way: &Way,
    place: &KeyPlace,
    wish: &Wish<'_>,
    content: impl Fn(&CsrAttributes) -> Result<(RequestContent, Make<'a>), Failure>,
) -> Result<(Pending, Vec<u8>), Failure> {
    let until = Instant::now() + Duration::from_secs(wish.ask.wait);
    loop {
        let error = match attempt(way, place, wish, &content).await {
            Ok(answered) => return Ok(answered),
            Err(Trouble::Own(failure)) => return Err(failure),
            Err(Trouble::Est(error)) => error,
        };
        let pause = retry_after(&error).map(Duration::from_secs);
        match pause.filter(|pause| Instant::now() + *pause <= until) {
            Some(pause) => sleep(pause).await,
            None => return Err(failure(error)),
        }
    }
}

async fn attempt<'a>(
    way: &Way,
    place: &KeyPlace,
    wish: &Wish<'_>,
    content: &impl Fn(&CsrAttributes) -> Result<(RequestContent, Make<'a>), Failure>,
) -> Result<(Pending, Vec<u8>), Trouble> {
    let mut connection = way.connect().await?;
    let told = connection.csr_attributes().await?;
    let (content, make) = content(&told)?;
    let content = bound(content, &told, wish.ask.bind, &connection)?;
    let pending = Pending::take_up(wish.out, place, &content, make)?;
    let certificate = connection.enrol(wish.operation, &pending.request).await?;
    let OwnKey { key, signer, .. } = &pending.key;
    check_key(&certificate, &signer.public_key(key).map_err(EstError::from)?)?;
    Ok((pending, certificate))
}

/// After how long it may help to come again.
const fn retry_after(error: &EstError) -> Option<u64> {
    match error {
        EstError::Pending { retry_after } | EstError::Busy { retry_after, .. } => Some(*retry_after),
        EstError::Unreachable(_) | EstError::Http(_) => Some(10),
        EstError::Tls(_)
        | EstError::Request(_)
        | EstError::Refused { .. }
        | EstError::Redirected { .. }
        | EstError::Answer(_)
        | EstError::NotMade(_)
        | EstError::NotSigned(_)
        | EstError::Encode(_) => None,
    }
}

fn first_content(told: &CsrAttributes, common_name: Option<&str>) -> Result<RequestContent, Failure> {
    let subject = match (common_name, &told.subject) {
        (Some(name), _) => DistinguishedName::from_attributes(&[(oid::COMMON_NAME, name)])
            .map_err(|error| Failure::new(Exit::Usage, "name.faulty", error))?,
        (None, Some(told)) => told.clone(),
        (None, None) => {
            let message = "the server does not say which subject it wants";
            return Err(Failure::new(Exit::Usage, "name.missing", message)
                .then("say it with --common-name, such as a system title of 16 hexadecimal digits"));
        }
    };
    Ok(RequestContent { subject, extensions: told.extensions.clone(), challenge_password: None })
}

/// RFC 7030 §4.2.2: subject and subjectAltName are those of the certificate being renewed.
fn renewal_content(told: &CsrAttributes, held: &Certificate) -> RequestContent {
    let names = |one: &&Extension| one.extn_id == oid::SUBJECT_ALT_NAME;
    let told = told.extensions.iter().filter(|one| !names(one));
    let extensions = told.chain(held.extensions().iter().filter(names)).cloned().collect();
    RequestContent { subject: held.subject().clone(), extensions, challenge_password: None }
}

/// RFC 7030 §3.5: binds the request to its connection, where that is wanted.
fn bound(
    content: RequestContent,
    told: &CsrAttributes,
    wanted: bool,
    connection: &Connection,
) -> Result<RequestContent, Failure> {
    if !wanted && !told.challenge_password {
        return Ok(content);
    }
    let binding = connection.channel_binding().ok_or_else(|| {
        Failure::new(
            Exit::Failed,
            "binding.none",
            "this connection has no channel binding: it is not TLS 1.3",
        )
    })?;
    Ok(RequestContent { challenge_password: Some(binding), ..content })
}

fn failure(error: EstError) -> Failure {
    let (exit, code) = match &error {
        EstError::Unreachable(_) | EstError::Http(_) => (Exit::Unavailable, "est.unreachable"),
        EstError::Pending { .. } => (Exit::Unavailable, "est.pending"),
        EstError::Busy { .. } => (Exit::Unavailable, "est.busy"),
        EstError::Tls(_) => (Exit::Failed, "est.tls"),
        EstError::Request(_) => (Exit::Usage, "est.request"),
        EstError::Refused { .. } => (Exit::Refused, "est.refused"),
        EstError::Redirected { .. } => (Exit::Refused, "est.redirected"),
        EstError::Answer(_) => (Exit::Failed, "est.answer"),
        EstError::NotMade(_) => (Exit::Failed, "request.not-made"),
        EstError::NotSigned(_) => (Exit::Failed, "key.not-signed"),
        EstError::Encode(_) => (Exit::Failed, "est.encode"),
    };
    let next = match (retry_after(&error), &error) {
        (_, EstError::Redirected { .. }) => {
            "if that is where the server is now, the same command with this address in --url".to_owned()
        }
        (Some(seconds), _) => {
            format!("the same command in {seconds} s; with --wait it comes again by itself")
        }
        (None, _) => String::new(),
    };
    Failure::new(exit, code, error).then(next)
}
