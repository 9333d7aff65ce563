//! Puts the signer's process together: its keys, what each is for, its log, and its socket.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ca_core::ports::{SignError, Signer};
use signer_link::charter::KeyCharter;
use signer_link::guarded::{GuardedDesk, Means};
use signer_link::log::{OnFailure, OpenLogError};
use signer_link::server::{BindLinkError, LinkServer, Serving};

use super::SystemClock;
use super::keys::{self, Absence, OpenKeys};
use crate::config::SignerConfig;
use crate::exit::{Exit, Failure};
use crate::signer_metrics::SignerMetrics;

/// Starts to serve; `failed` is told when the log cannot be written any more.
pub(crate) fn start(config: &SignerConfig, failed: OnFailure) -> Result<SigningProcess, Failure> {
    let OpenKeys { signer, place } = keys::open(&config.keys, Absence::IsWaitedFor)?;
    let charters = charters(config, &*signer)?;
    // Before the log: a second signer leaves the first one's alone.
    let folder = config.log.path.parent().filter(|parent| *parent != Path::new(""));
    let spool = folder.unwrap_or_else(|| Path::new("."));
    let server = LinkServer::bind(&config.socket, &config.users, spool).map_err(|error| bind(&error))?;
    let means = Means { signer, clock: Arc::new(SystemClock), tokens: Arc::new(move || place.tokens()) };
    let desk = GuardedDesk::open(means, charters, config.log.clone(), failed).map_err(|error| log(&error))?;
    tracing::info!(socket = %config.socket.display(), keys = config.charters.len(), "signing");
    let desk = Arc::new(desk);
    let start = |file: &PathBuf| SignerMetrics::start(file.clone(), desk.clone());
    let metrics = config.metrics_file.as_ref().map(start).transpose().map_err(|error| {
        Failure::new(Exit::Unavailable, "signer.metrics", error).then(
            "look at metrics_file in the signer's configuration: its directory must exist and be writable",
        )
    })?;
    let serving = server.serve(desk).map_err(|error| Failure::new(Exit::Failed, "signer.failed", error))?;
    Ok(SigningProcess { serving, metrics })
}

/// What signs until it is stopped.
pub(crate) struct SigningProcess {
    serving: Serving,
    metrics: Option<SignerMetrics>,
}

impl SigningProcess {
    /// Takes no more requests, waits for those that were begun, and writes its counts once more.
    pub(crate) fn stop(self) {
        self.serving.stop();
        drop(self.metrics);
    }
}

/// Every key that the configuration names is there, or its token is away and waited for; keys that it does not name sign nothing.
fn charters(config: &SignerConfig, signer: &dyn Signer) -> Result<Vec<KeyCharter>, Failure> {
    let charter = |one: &crate::config::CheckedKey| {
        let charter = KeyCharter { key: one.key, purpose: one.purpose.clone(), rates: one.rates };
        match signer.public_key(&one.key) {
            // H-07: that very key, and not another that goes by its name.
            Ok(held) if charter.certified().is_some_and(|certified| *certified != held) => {
                let message =
                    format!("[keys] holds another key under {} than the certificate names", one.key);
                return Err(Failure::new(Exit::Integrity, "key.another", message)
                    .then("look at the token: somebody put a key there"));
            }
            Ok(_) => {}
            Err(error @ SignError::Unavailable { .. }) => {
                tracing::warn!(key = %one.key, %error, "the key is looked at once its token is there");
            }
            Err(error) => {
                let message = format!("the [[key]] for {}: {error}", charter.purposes());
                return Err(Failure::new(Exit::Unavailable, "key.missing", message).then(
                    "look at [keys] and at the certificate_file or key of that [[key]] in the signer's configuration",
                ));
            }
        }
        Ok(charter)
    };
    config.charters.iter().map(charter).collect()
}

fn bind(error: &BindLinkError) -> Failure {
    match error {
        BindLinkError::InUse { .. } => Failure::new(Exit::Conflict, "signer.socket", error),
        BindLinkError::OpenDirectory { .. } => Failure::new(Exit::Permission, "signer.socket", error)
            .then("give the socket a directory of its own, of mode 0755 or stricter"),
        BindLinkError::Unusable { .. } => Failure::new(Exit::Unavailable, "signer.socket", error),
    }
}

fn log(error: &OpenLogError) -> Failure {
    match error {
        OpenLogError::InUse { .. } => Failure::new(Exit::Conflict, "signer.log", error),
        OpenLogError::Damaged { .. } => Failure::new(Exit::Integrity, "signer.log-damaged", error).then(
            "nothing is signed: keep the file as evidence, compare it with the ledger, and name another log",
        ),
        OpenLogError::Unusable { .. } => Failure::new(Exit::Unavailable, "signer.log", error),
    }
}
