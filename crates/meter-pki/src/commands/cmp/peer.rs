//! Who asks which authority, and how, as the command line says.

use std::path::Path;
use std::sync::Arc;

use ca_core::certificate::Certificate;
use ca_core::distinguished_name::DistinguishedName;
use client_kit::{FileKey, Identity};
use cmp_client::{AgreementKey, CmpClient, Connection, Endpoint, MacFamily, Means, SharedSecret};
use signer_file::SystemEntropy;
use zeroize::Zeroizing;

use super::failure::tls_failure;
use crate::cli::cmp::{PeerArgs, ResultArgs};
use crate::commands::credential::file::{self, CredentialFile};
use crate::commands::credential::keys::KeyPlace;
use crate::commands::credential::{credential, roots};
use crate::compose::SystemClock;
use crate::exit::{Exit, Failure};

/// How far the clock of an authority that answers at once may be from this one, in seconds.
const CLOCK_WINDOW: u64 = 900;

/// A client, and where its keys are.
pub(super) struct Peer {
    pub(super) client: Arc<CmpClient>,
    pub(super) place: KeyPlace,
    /// The certificate that signs, where messages are signed.
    pub(super) held: Option<Certificate>,
}

impl Peer {
    pub(super) fn of(args: &PeerArgs, result: Option<&ResultArgs>) -> Result<Self, Failure> {
        let place = KeyPlace::open(args.token.as_deref())?;
        let (means, held, agreement) = match (&args.credential, &args.reference) {
            (Some(path), _) => {
                let file = CredentialFile::read(path)?;
                let held = file.certificate.clone();
                // The key once more, for what is sealed to it; a token does not give its own.
                let agreement = CredentialFile::read(path)?.key.map(agreement);
                (Means::Signature(credential(file, &place)?), Some(held), agreement)
            }
            (None, Some(reference)) => (Means::Mac(shared_secret(args, reference)?), None, None),
            (None, None) => {
                let message = "--credential or --reference says who asks";
                return Err(Failure::new(Exit::Usage, "credential.missing", message));
            }
        };
        let client = CmpClient {
            means,
            agreement,
            trust: trust(args)?,
            recipient: recipient(args, held.as_ref())?,
            profile: args.profile.clone(),
            confirms: result.is_some_and(|result| result.confirm),
            takes_roots: result.is_some_and(|result| result.roots_out.is_some()),
            // Files travel for days.
            clock_window: args.url.as_ref().map(|_| CLOCK_WINDOW),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        };
        Ok(Self { client: Arc::new(client), place, held })
    }

    /// Prepares the way to the server, if there is one: the credential is shown under TLS too.
    pub(super) fn connection(&self, args: &PeerArgs) -> Result<Option<Connection>, Failure> {
        let Some(url) = &args.url else { return Ok(None) };
        let endpoint = Endpoint::parse(url, args.label.as_deref())
            .map_err(|error| Failure::new(Exit::Usage, "url.faulty", error))?;
        let identity = match &self.client.means {
            Means::Signature(credential) => Identity::Certified(credential.clone()),
            Means::Mac(_) => Identity::Anonymous,
        };
        let trusted: Vec<Vec<u8>> = self.client.trust.iter().map(|one| one.der().to_vec()).collect();
        Connection::prepare(endpoint, &trusted, &identity).map(Some).map_err(|error| tls_failure(&error))
    }
}

fn agreement(key: FileKey) -> Arc<dyn AgreementKey + Send + Sync> {
    Arc::new(key)
}

fn shared_secret(args: &PeerArgs, reference: &str) -> Result<SharedSecret, Failure> {
    let Some(file) = &args.secret_file else {
        return Err(Failure::new(Exit::Usage, "secret.missing", "--secret-file holds the shared secret"));
    };
    let text = file::read_text(file)?;
    let secret = Zeroizing::new(text.trim_end_matches(['\r', '\n']).as_bytes().to_vec());
    let family = if args.password_based_mac { MacFamily::PasswordBasedMac } else { MacFamily::Pbmac1 };
    Ok(SharedSecret { reference: reference.to_owned(), secret, family })
}

fn trust(args: &PeerArgs) -> Result<Vec<Certificate>, Failure> {
    let Some(file) = &args.trust else { return Ok(Vec::new()) };
    let read = |der: &Vec<u8>| {
        Certificate::from_der(der).map_err(|error| {
            Failure::new(Exit::Usage, "trust.faulty", format!("{}: {error}", file.display()))
        })
    };
    roots(file)?.iter().map(read).collect()
}

/// RFC 9483 §3.1: the CA that is asked, where that is known.
fn recipient(args: &PeerArgs, held: Option<&Certificate>) -> Result<DistinguishedName, Failure> {
    match (&args.recipient, held) {
        (Some(file), _) => Ok(one_certificate(file)?.subject().clone()),
        (None, Some(held)) => Ok(held.issuer().clone()),
        (None, None) => Ok(DistinguishedName::empty()),
    }
}

/// Reads the first certificate of a file.
pub(super) fn one_certificate(path: &Path) -> Result<Certificate, Failure> {
    let faulty = |error: &dyn std::fmt::Display| {
        Failure::new(Exit::Usage, "certificate.faulty", format!("{}: {error}", path.display()))
    };
    let all = file::certificates(&file::read(path)?).map_err(|error| faulty(&error))?;
    let first = all.first().ok_or_else(|| faulty(&"there is no certificate in it"))?;
    Certificate::from_der(first).map_err(|error| faulty(&error))
}
