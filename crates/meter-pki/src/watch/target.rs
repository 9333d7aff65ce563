//! Whom a notice is sent to, and how: a webhook, a mail server, a collector of syslog.

mod mail;
mod syslog;
mod webhook;

use std::path::Path;
use std::time::Duration;

use zeroize::Zeroizing;

use super::notice::Notice;
use crate::config::{CheckedTarget, Way};
use crate::doctor::Severity;
use crate::exit::{Exit, Failure};
use crate::private_text;

/// Whoever does not take a notice within this time did not take it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Somebody who is told.
#[derive(Debug)]
pub(crate) struct Target {
    name: String,
    least: Severity,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Webhook(webhook::Webhook),
    Mail(Box<mail::Mail>),
    Syslog(syslog::Collector),
}

impl Target {
    /// Makes a target; nothing is asked of it yet.
    ///
    /// # Errors
    /// [`Failure`] when an address or a file is not what it should be.
    pub(crate) fn new(one: &CheckedTarget) -> Result<Self, Failure> {
        let (name, kind) = match &one.way {
            Way::Webhook { url, secret_file, roots_file } => {
                let webhook = webhook::Webhook::new(url, secret_file, roots_file.as_deref());
                (format!("webhook {url}"), webhook.map(Kind::Webhook))
            }
            Way::Mail(way) => {
                let name = format!("mail {} by {}", way.to.join(", "), way.server);
                (name, mail::Mail::new(way).map(|mail| Kind::Mail(Box::new(mail))))
            }
            Way::Syslog { collector, roots_file } => {
                let made = syslog::Collector::new(collector, roots_file.as_deref());
                (syslog::name(collector), made.map(Kind::Syslog))
            }
        };
        let kind = kind.map_err(|why| Failure::new(Exit::Usage, "watch.target", format!("{name}: {why}")))?;
        Ok(Self { name, least: one.least, kind })
    }

    /// Returns its name, for people and for the memory: the same as long as the configuration says the same.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Tells whether a notice is bad enough for it.
    pub(crate) fn wants(&self, notice: &Notice) -> bool {
        notice.severity >= self.least
    }

    /// Sends a notice.
    ///
    /// # Errors
    /// Why it was not taken.
    pub(crate) async fn send(&self, notice: &Notice, now: i64) -> Result<(), String> {
        let sent = async {
            match &self.kind {
                Kind::Webhook(webhook) => webhook.send(notice, now).await,
                Kind::Mail(mail) => mail.send(notice).await,
                Kind::Syslog(collector) => collector.send(notice).await,
            }
        };
        tokio::time::timeout(PATIENCE, sent)
            .await
            .map_err(|_| format!("no answer within {} s", PATIENCE.as_secs()))?
    }
}

/// Reads a secret, without the line's end.
fn secret(file: &Path) -> Result<Zeroizing<String>, String> {
    let text = private_text::read(file).map_err(|why| format!("{}: {why}", file.display()))?;
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}
