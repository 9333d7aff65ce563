//! Gathers the facts: reads the configuration and what it names, asks the server over the operator's socket, fetches from
//! outside what devices and relying parties fetch. Judges nothing.
//!
//! Whoever does not answer within a few seconds does not answer. Nothing is written, and no key is used but to see that it signs.

mod configured;
mod files;
mod outside;
mod served;
mod trial;

use std::path::Path;

use ca_core::ports::Clock;

use super::facts::Facts;
use crate::compose::SystemClock;
use crate::config::Config;
use crate::operator::client::OperatorClient;

/// Gathers what can be known now. `login`: where nobody serves, tokens are opened with their PIN to see that they sign.
pub(crate) async fn gather(file: &Path, login: bool) -> Facts {
    let mut facts = Facts {
        now: SystemClock.now().seconds(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..Facts::default()
    };
    facts.files.paths.extend(files::configuration(file));
    let (config, raw) = match (Config::load(file), Config::raw(file)) {
        (Ok(config), Ok(raw)) => (Some(config), Some(raw)),
        (Err(error), raw) => {
            facts.faults = error.faults;
            (None, raw.ok())
        }
        (Ok(_), Err(error)) => {
            facts.faults = error.faults;
            (None, None)
        }
    };
    if let (Some(config), Some(raw)) = (&config, &raw) {
        facts.configured = Some(configured::read(config, raw));
        // Before the server is asked: what it says later can only be more.
        files::look(config, &mut facts.files);
    }
    let client = Config::socket(file).ok().map(|socket| OperatorClient::new(&socket));
    if let Some(client) = &client {
        let own = facts.configured.as_ref().map(|one| one.certificates.as_slice()).unwrap_or_default();
        let (served, attempts) = served::ask(client, own).await;
        facts.served = served;
        facts.signatures.extend(attempts);
    }
    if let Some(config) = &config {
        let client = client.as_ref().filter(|_| facts.served.is_some());
        facts.outside = outside::fetch(config, client, &mut facts.signatures).await;
        if facts.served.is_none() {
            facts.signatures.extend(tokio::task::block_in_place(|| trial::sign(config, login)));
        }
    }
    facts
}
