//! The configuration file of `meter-pki watch`: what is looked at, and who is told.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use super::CheckConfigError;
use super::checker::Checker;
use crate::severity::Severity;

/// The file as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawWatch {
    /// `configuration`: that of the `meter-pki serve` which is looked at; it need not be sound, that would be told.
    pub configuration: PathBuf,
    /// `directory`: where the watchman remembers what stands and what is not delivered yet; made by nobody but you.
    pub directory: PathBuf,
    /// `installation`: its name in notices.
    pub installation: String,
    /// `every_seconds`: how often is looked; 300 unless given, 10 at least.
    #[serde(default = "default_every")]
    pub every_seconds: u32,
    /// `repeat_hours`: what still stands is told again after so many hours; 24 unless given.
    #[serde(default = "default_repeat")]
    pub repeat_hours: u16,
    /// `least`: from which severity on something is told: `notice`, `warning` (default) or `fault`.
    #[serde(default = "default_least")]
    pub least: String,
    /// `skip`: what is not looked at: checks of the doctor as for `meter-pki doctor --skip`, and those of the audit log by their names.
    #[serde(default)]
    pub skip: Vec<String>,
    /// What is unusual in an hour.
    #[serde(default)]
    pub unusual: RawUnusual,
    /// Programs that are told.
    #[serde(rename = "webhook", default)]
    pub webhooks: Vec<Spanned<RawWebhook>>,
    /// People who are told by mail.
    #[serde(rename = "mail", default)]
    pub mails: Vec<Spanned<RawMail>>,
    /// Collectors of syslog.
    #[serde(rename = "syslog", default)]
    pub collectors: Vec<Spanned<RawNoticeLog>>,
}

fn default_every() -> u32 {
    300
}

fn default_repeat() -> u16 {
    24
}

fn default_least() -> String {
    "warning".to_owned()
}

/// `[unusual]`: from which number in an hour on; without one, no number is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawUnusual {
    /// `issued_per_hour`: certificates issued.
    pub issued_per_hour: Option<u64>,
    /// `revoked_per_hour`: certificates revoked.
    pub revoked_per_hour: Option<u64>,
    /// `refused_per_hour`: requests refused, and callers who could not prove who they are.
    pub refused_per_hour: Option<u64>,
}

/// `[[webhook]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawWebhook {
    /// `url`: `http[s]://HOST[:PORT]/PATH`.
    pub url: String,
    /// `secret_file`: `whsec_` and base64 of 24 to 64 octets; mode 0600.
    pub secret_file: PathBuf,
    /// `roots_file`: PEM; who vouches for a server that is https.
    pub roots_file: Option<PathBuf>,
    /// `least`: as above, for this one alone.
    pub least: Option<String>,
}

/// `[[mail]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawMail {
    /// `server`: `HOST:PORT`.
    pub server: String,
    /// `security`: `tls`, `starttls`, or `none` for a server on this machine.
    pub security: MailSecurity,
    /// `roots_file`: PEM; who vouches for the server; the roots of the system unless given.
    pub roots_file: Option<PathBuf>,
    /// `from`: the sender's address.
    pub from: String,
    /// `to`: at least one address.
    pub to: Vec<String>,
    /// `user`: who logs in, if somebody does.
    pub user: Option<String>,
    /// `password_file`: with what; mode 0600.
    pub password_file: Option<PathBuf>,
    /// `least`: as above, for this one alone.
    pub least: Option<String>,
}

/// How a mail server is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailSecurity {
    /// Over TLS from the first octet (RFC 8314 §3.3).
    Tls,
    /// Over TLS after STARTTLS, and never without.
    StartTls,
    /// In the clear.
    None,
}

/// `[[syslog]]`: one of the four.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawNoticeLog {
    /// `socket`: a datagram socket of this machine, such as `/dev/log`.
    pub socket: Option<PathBuf>,
    /// `udp`: host and port of a collector that takes datagrams (RFC 5426).
    pub udp: Option<String>,
    /// `tcp`: host and port of a collector that counts octets (RFC 6587).
    pub tcp: Option<String>,
    /// `tls`: host and port of a collector over TLS (RFC 5425).
    pub tls: Option<String>,
    /// `roots_file`: PEM; who vouches for a collector over TLS.
    pub roots_file: Option<PathBuf>,
    /// `least`: as above, for this one alone.
    pub least: Option<String>,
}

/// Somebody who is told, before anybody has asked whether he is there.
#[derive(Debug, Clone)]
pub(crate) struct CheckedTarget {
    pub(crate) least: Severity,
    pub(crate) way: Way,
}

/// By what way.
#[derive(Debug, Clone)]
pub(crate) enum Way {
    Webhook { url: String, secret_file: PathBuf, roots_file: Option<PathBuf> },
    Mail(MailWay),
    Syslog { collector: NoticeLog, roots_file: Option<PathBuf> },
}

/// Where messages of syslog are taken.
#[derive(Debug, Clone)]
pub(crate) enum NoticeLog {
    Socket(PathBuf),
    Udp(String),
    Tcp(String),
    Tls(String),
}

/// By which server to whom.
#[derive(Debug, Clone)]
pub(crate) struct MailWay {
    pub(crate) server: String,
    pub(crate) security: MailSecurity,
    pub(crate) roots_file: Option<PathBuf>,
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) user: Option<String>,
    pub(crate) password_file: Option<PathBuf>,
}

/// A configuration that is sound.
#[derive(Debug)]
pub struct WatchConfig {
    pub(crate) configuration: PathBuf,
    pub(crate) directory: PathBuf,
    pub(crate) installation: String,
    pub(crate) every_seconds: i64,
    pub(crate) repeat_seconds: i64,
    pub(crate) least: Severity,
    /// Names of what is not looked at.
    pub(crate) skip: Vec<String>,
    pub(crate) unusual: RawUnusual,
    pub(crate) targets: Vec<CheckedTarget>,
}

impl WatchConfig {
    /// Reads, checks, and resolves a configuration file.
    ///
    /// # Errors
    /// Every fault of the file and of the files it names.
    pub fn load(file: &Path) -> Result<Self, CheckConfigError> {
        Checker::of_service(file).check_watch(&super::load(file)?)
    }
}
