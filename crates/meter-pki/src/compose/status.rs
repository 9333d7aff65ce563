//! Puts repository and OCSP responder together, and keeps each authority's responder certificate fresh.
//!
//! A responder certificate lies as a file beside the published CRLs; when it is absent or half over, a new one is enrolled
//! through the authority's own door for processes, with the same responder key.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use ca_core::actor::{Actor, Identity as ActorIdentity};
use ca_core::certificate::Certificate;
use ca_core::distinguished_name::DistinguishedName;
use ca_core::issuer::{Issuer, PublicationPoints};
use ca_core::key_ref::KeyRef;
use ca_core::ocsp::{IssuerHashes, ResponderIdentity};
use ca_core::oid;
use ca_core::ports::{Clock, Signer};
use ca_core::profile::{OcspProfile, ProfileId};
use ca_core::request::{EnrolmentKind, EnrolmentRequest, Evidence};
use ca_core::subject::Subject;
use ca_core::validity::UnixTime;
use ca_store::Recovery;
use server_kit::metrics::Metrics;
use server_kit::shutdown::Shutdown;
use server_kit::workers::WorkerPool;
use status_server::config::KeepingPolicy;
use status_server::publish::CrlFolder;
use status_server::repository::Repository;
use status_server::responder::{Responder, ResponderPorts, ServedAuthority as AnsweredAuthority};
use status_server::routes::{StatusServices, router};
use tokio::sync::{Notify, watch};

use super::{ServedAuthority, System};
use crate::config::{CheckedAuthority, Config, RawPush};
use crate::exit::{Exit, Failure, SIGNER_AWAY};
use crate::push::{Folder, Pusher, Store, StorePlace, Target};
use crate::web;

/// How often responder certificates are looked at.
const LOOK: Duration = Duration::from_secs(600);

/// How often, while one is missing that could not be had at the start.
const AGAIN: Duration = Duration::from_secs(10);

/// The routes of the status listener and what keeps them going.
pub(crate) struct StatusParts {
    pub router: Router,
    pub renewal: Renewal,
    pub responder: Arc<Responder>,
}

/// Opens the repository for all authorities of the configuration and the roots above them.
pub(super) fn repository(config: &Config, roots: &[Arc<Issuer>]) -> Result<Arc<Repository>, Failure> {
    let unusable = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Failed, "status.directory", error)
            .then("look at status.directory in the configuration: it must exist and hold nothing but published CRLs")
    };
    let folder = CrlFolder::open(&config.status.directory).map_err(|error| unusable(&error))?;
    let own = config.authorities.iter().map(|one| Arc::new(one.issuer.clone()));
    let issuers: Vec<Arc<Issuer>> = own.chain(roots.iter().cloned()).collect();
    let repository = Repository::new(folder, &issuers);
    for one in &config.authorities {
        let above: Vec<&Certificate> = one.path.iter().chain(&one.generations).collect();
        // Links between generations have paths of their own: old and new stand side by side (RFC 9810 §4.4).
        above.iter().for_each(|certificate| repository.serve_certificate(certificate));
        let own = std::iter::once(one.issuer.certificate());
        repository.serve_path(&one.issuer.key(), &own.chain(above).collect::<Vec<_>>());
    }
    // What an earlier process published is served again, the CRLs of offline roots among it. A damaged file is no reason not
    // to start: whatever is published next replaces it, and until then the health check tells.
    if let Err(error) = repository.refresh() {
        tracing::error!(%error, "a published CRL cannot be read and is not served");
    }
    Ok(Arc::new(repository))
}

/// Returns the authorities whose CRLs are made elsewhere, each once: the offline ones above those of the configuration, in
/// every generation, and those that were closed.
pub(super) fn roots(config: &Config) -> Vec<Arc<Issuer>> {
    let above = config.authorities.iter().flat_map(|one| {
        let tenant = one.issuer.tenant();
        one.path.iter().chain(&one.generations).map(move |certificate| (tenant, certificate))
    });
    let closed = config.closed_authorities.iter().map(|certificate| (&config.tenant, certificate));
    let mut roots: Vec<Arc<Issuer>> = Vec::new();
    for (tenant, certificate) in above.chain(closed) {
        let end = certificate.validity().not_after();
        let root = Issuer::new(certificate.clone(), tenant.clone(), end, PublicationPoints::default());
        let new = root.ok().filter(|root| !roots.iter().any(|known| known.key() == root.key()));
        roots.extend(new.map(Arc::new));
    }
    roots
}

/// Puts the status server together; every authority has a responder certificate when it returns, or awaits it with its token.
pub(crate) fn status_parts(
    config: &Config,
    system: &System,
    (workers, ledger_away): (WorkerPool, Option<watch::Receiver<bool>>),
) -> Result<StatusParts, Failure> {
    let (mut answered, mut awaited, mut desks) = (Vec::new(), Vec::new(), Vec::new());
    for (one, served) in config.authorities.iter().zip(&system.authorities) {
        let desk = Desk::new((one, served), config, system);
        match desk.current_or_new_unless(system.vault.recovery()) {
            Ok(Some(identity)) => answered.push(desk.answered(identity)),
            Ok(None) => continue,
            Err(failure) if failure.code == SIGNER_AWAY => {
                tracing::warn!(authority = %desk.name, %failure, "no OCSP answers until the token is there");
                awaited.push(IssuerHashes::of(&one.issuer));
            }
            Err(failure) => return Err(failure),
        }
        desks.push(desk);
    }
    let ports = ResponderPorts { clock: Arc::clone(&system.clock), status: Arc::clone(&system.status) };
    let responder = Responder::new(answered, ports, KeepingPolicy::default()).awaiting(awaited);
    let responder = Arc::new(match ledger_away {
        Some(away) => responder.hearing(away),
        None => responder,
    });
    let services = StatusServices {
        repository: Arc::clone(&system.repository),
        responder: Arc::clone(&responder),
        clock: Arc::clone(&system.clock),
        workers,
    };
    let renewal = Renewal { desks: Arc::new(desks), responder: Arc::clone(&responder), wake: Arc::default() };
    Ok(StatusParts { router: router(services), renewal, responder })
}

/// Puts together who pushes what is published to where it is also served.
pub(crate) fn pushers(
    config: &Config,
    system: &System,
    metrics: &Metrics,
) -> Result<Vec<Arc<Pusher>>, Failure> {
    let pusher = |raw| {
        let target = target(raw)?;
        let (repository, entropy) = (Arc::clone(&system.repository), Arc::clone(&system.entropy));
        Ok(Arc::new(Pusher::new(target, repository, entropy, metrics)))
    };
    config.status.push.iter().map(pusher).collect()
}

fn target(raw: &RawPush) -> Result<Target, Failure> {
    let unusable = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Usage, "status.push", error).then("look at [[status.push]] in the configuration")
    };
    if let Some(directory) = &raw.directory {
        return Ok(Target::Folder(Folder::at(directory)));
    }
    let given = raw.endpoint.clone().zip(raw.bucket.clone()).zip(raw.credentials_file.clone());
    let ((endpoint, bucket), credentials_file) = given.ok_or_else(|| unusable(&"half of a target"))?;
    let roots = raw.roots_file.as_deref().map(|file| web::trusting(file).map_err(|why| unusable(&why)));
    let tls = roots.transpose()?.map(Arc::new);
    let (region, prefix) = (raw.region.clone(), raw.prefix.clone());
    let place = StorePlace { endpoint, bucket, region, prefix, credentials_file };
    Ok(Target::Store(Box::new(Store::new(&place, tls).map_err(|error| unusable(&error))?)))
}

/// Renews responder certificates.
pub(crate) struct Renewal {
    desks: Arc<Vec<Desk>>,
    responder: Arc<Responder>,
    wake: Arc<Notify>,
}

impl Renewal {
    /// Returns what has them looked at now.
    pub(crate) fn waker(&self) -> impl Fn() + Send + Sync + 'static {
        let wake = Arc::clone(&self.wake);
        move || wake.notify_one()
    }

    /// Looks at every responder certificate from time to time until shutdown.
    pub(crate) async fn run(self, pool: WorkerPool, shutdown: Shutdown) {
        loop {
            let all = self.responder.identities().len() >= self.desks.len();
            tokio::select! {
                () = shutdown.triggered() => return,
                () = tokio::time::sleep(if all { LOOK } else { AGAIN }) => {}
                () = self.wake.notified() => {}
            }
            let (desks, responder) = (Arc::clone(&self.desks), Arc::clone(&self.responder));
            let outcome = pool.run(move || renew_all(&desks, &responder)).await;
            if let Err(error) = outcome {
                tracing::warn!(%error, "responder certificates were not looked at; the next look is soon");
            }
        }
    }
}

fn renew_all(desks: &[Desk], responder: &Responder) {
    for desk in desks {
        match desk.current_or_new() {
            Ok(identity) if responder.identities().contains(&identity) => {}
            Ok(identity) => responder.serve(desk.answered(identity)),
            Err(failure) => {
                let authority = &desk.name;
                tracing::error!(%authority, %failure, "responder certificate not renewed; the one before answers on");
            }
        }
    }
}

/// Where one authority's responder gets its certificate.
struct Desk {
    name: String,
    authority: Arc<ca_core::authority::CertificationAuthority>,
    profile: ProfileId,
    key: KeyRef,
    file: PathBuf,
    clock: Arc<dyn Clock>,
    answers: OcspProfile,
    signer: Arc<dyn Signer>,
}

impl Desk {
    fn new((one, served): (&CheckedAuthority, &ServedAuthority), config: &Config, system: &System) -> Self {
        Self {
            name: served.name.clone(),
            authority: Arc::clone(&served.authority),
            profile: one.responder_profile.id().clone(),
            key: one.responder_key,
            answers: OcspProfile::clone(&one.ocsp_profile),
            signer: Arc::clone(&system.ports.signer),
            file: config.status.directory.join(format!("{}.ocsp.cer", served.key())),
            clock: Arc::clone(&system.clock),
        }
    }

    fn answered(&self, identity: ResponderIdentity) -> AnsweredAuthority {
        AnsweredAuthority { identity, profile: self.answers, signer: Arc::clone(&self.signer) }
    }

    /// Returns the certificate on file while its first half lasts, a new one afterwards; the one on file as long as it lasts, while
    /// the token is away.
    fn current_or_new(&self) -> Result<ResponderIdentity, Failure> {
        let now = self.clock.now();
        let on_file = self.on_file();
        if let Some(identity) = &on_file {
            let validity = identity.certificate().validity();
            let half = (validity.not_after().seconds() - validity.not_before().seconds()) / 2;
            if now < validity.not_before().plus_seconds(half) {
                return Ok(identity.clone());
            }
        }
        match (self.enrol(), on_file) {
            (Err(failure), Some(identity)) if failure.code == SIGNER_AWAY => {
                tracing::warn!(authority = %self.name, %failure, "the responder certificate is renewed once the token is there");
                Ok(identity)
            }
            (enrolled, _) => enrolled,
        }
    }

    /// As [`Self::current_or_new`]; in recovery nothing is enrolled, and the certificate on file serves while it lasts.
    fn current_or_new_unless(
        &self,
        recovery: Option<&Recovery>,
    ) -> Result<Option<ResponderIdentity>, Failure> {
        if recovery.is_none() {
            return self.current_or_new().map(Some);
        }
        let on_file = self.on_file();
        if on_file.is_none() {
            tracing::warn!(authority = %self.name, "no OCSP answers: in recovery no responder certificate is issued");
        }
        Ok(on_file)
    }

    /// Returns the certificate on file if it is fit to answer; why it is not is told.
    fn on_file(&self) -> Option<ResponderIdentity> {
        let octets = std::fs::read(&self.file).ok()?;
        match fit(&octets, self.authority.issuer(), (&self.key, self.clock.now())) {
            Ok(identity) => Some(identity),
            Err(fault) => {
                let file = self.file.display();
                tracing::error!(authority = %self.name, %file, %fault, "the responder certificate on file is not used");
                None
            }
        }
    }

    fn enrol(&self) -> Result<ResponderIdentity, Failure> {
        let failed = |error: &dyn std::fmt::Display| {
            Failure::new(Exit::Failed, "ocsp.responder", format!("{}: {error}", self.name))
        };
        let issuer = self.authority.issuer();
        let issued = self
            .authority
            .enrol(EnrolmentRequest {
                actor: Actor {
                    tenant: issuer.tenant().clone(),
                    identity: ActorIdentity::Process { name: "ocsp-responder" },
                },
                profile: self.profile.clone(),
                subject: Subject::distinguished(
                    name_beside(issuer.name(), "OCSP Responder").map_err(|error| failed(&error))?,
                ),
                evidence: Evidence::OwnSigner { key: self.key },
                kind: EnrolmentKind::First,
                validity_seconds: None,
                transaction: None,
            })
            .map_err(|error| match error.code() {
                SIGNER_AWAY => {
                    Failure::new(Exit::Unavailable, SIGNER_AWAY, format!("{}: {error}", self.name))
                }
                _ => failed(&error),
            })?;
        // What does not fit takes the place of nothing: the one before may serve still.
        let identity =
            fit(issued.der(), issuer, (&self.key, self.clock.now())).map_err(|fault| failed(&fault))?;
        write_aside(&self.file, issued.der()).map_err(|error| failed(&error))?;
        Ok(identity)
    }
}

/// Takes a certificate as that of the responder with this key.
fn fit(octets: &[u8], issuer: &Issuer, (key, now): (&KeyRef, UnixTime)) -> Result<ResponderIdentity, String> {
    let certificate = Certificate::from_der(octets).map_err(|error| error.to_string())?;
    let identity = ResponderIdentity::new(certificate, issuer, now).map_err(|error| error.to_string())?;
    if identity.key() != *key {
        return Err(format!("it is of the key {}, and the configuration names {key}", identity.key()));
    }
    Ok(identity)
}

/// The issuer's name with another common name.
pub(crate) fn name_beside(
    issuer: &DistinguishedName,
    common_name: &str,
) -> Result<DistinguishedName, ca_core::distinguished_name::NameError> {
    let attributes: Vec<_> = issuer
        .attributes()
        .iter()
        .map(|(attribute, text)| {
            let text = if *attribute == oid::COMMON_NAME { common_name } else { text.as_str() };
            (*attribute, text)
        })
        .collect();
    DistinguishedName::from_attributes(&attributes)
}

fn write_aside(path: &Path, octets: &[u8]) -> std::io::Result<()> {
    let aside = path.with_extension("cer.new");
    std::fs::write(&aside, octets)?;
    std::fs::File::open(&aside)?.sync_all()?;
    std::fs::rename(&aside, path)
}
