//! A mail server, by the `lettre` crate: over TLS, or to one that is asked to begin it, or in the clear where the configuration says so.

use std::path::PathBuf;

use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use super::PATIENCE;
use crate::config::{MailSecurity, MailWay};
use crate::watch::alarm::Turn;
use crate::watch::notice::Notice;

/// People who are told by mail.
#[derive(Debug)]
pub(super) struct Mail {
    way: MailWay,
    host: String,
    port: u16,
    tls: Tls,
    from: Mailbox,
    to: Vec<Mailbox>,
}

impl Mail {
    pub(super) fn new(way: &MailWay) -> Result<Self, String> {
        let mailbox = |text: &String| text.parse::<Mailbox>().map_err(|error| format!("{text}: {error}"));
        let (host, port) = way.server.rsplit_once(':').ok_or("server is HOST:PORT")?;
        let port = port.parse().map_err(|_| "server is HOST:PORT")?;
        let tls = match way.security {
            MailSecurity::None => Tls::None,
            MailSecurity::StartTls => Tls::Required(parameters(host, way.roots_file.as_ref())?),
            MailSecurity::Tls => Tls::Wrapper(parameters(host, way.roots_file.as_ref())?),
        };
        if let Some(file) = &way.password_file {
            drop(super::secret(file)?);
        }
        Ok(Self {
            from: mailbox(&way.from)?,
            to: way.to.iter().map(mailbox).collect::<Result<_, _>>()?,
            way: way.clone(),
            host: host.to_owned(),
            port,
            tls,
        })
    }

    pub(super) async fn send(&self, notice: &Notice) -> Result<(), String> {
        let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&self.host)
            .port(self.port)
            .tls(self.tls.clone())
            .timeout(Some(PATIENCE));
        if let (Some(user), Some(file)) = (&self.way.user, &self.way.password_file) {
            let password = super::secret(file)?;
            transport = transport.credentials(Credentials::new(user.clone(), password.to_string()));
        }
        let message = self.message(notice).map_err(|error| error.to_string())?;
        let sent = transport.build().send(message).await;
        sent.map(drop).map_err(|error| error.to_string())
    }

    /// The message for everybody; its id is that of the notice, so that mail servers know one that comes twice.
    fn message(&self, notice: &Notice) -> Result<Message, lettre::error::Error> {
        let name = |name| HeaderName::new_from_ascii_str(name);
        let builder = Message::builder()
            .from(self.from.clone())
            .message_id(Some(format!("<{}@{}>", notice.id, self.from.email.domain())))
            .subject(notice.headline())
            // RFC 3834 §5: no machine answers a machine.
            .raw_header(HeaderValue::new(name("Auto-Submitted"), "auto-generated".to_owned()))
            .raw_header(HeaderValue::new(name("X-Meter-Pki-Check"), notice.check.clone()))
            .raw_header(HeaderValue::new(name("X-Meter-Pki-Turn"), notice.turn.word().to_owned()));
        let builder = match notice.turn {
            Turn::Raised | Turn::Worse => {
                builder.raw_header(HeaderValue::new(name("Importance"), "high".to_owned()))
            }
            Turn::Still | Turn::Over | Turn::Test => builder,
        };
        let builder = self.to.iter().fold(builder, |builder, to| builder.to(to.clone()));
        let json = serde_json::to_string_pretty(notice).unwrap_or_default();
        let attached = SinglePart::builder()
            .header(
                lettre::message::header::ContentType::parse("application/json")
                    .unwrap_or(lettre::message::header::ContentType::TEXT_PLAIN),
            )
            .header(lettre::message::header::ContentDisposition::attachment("notice.json"))
            .body(json);
        builder
            .multipart(MultiPart::mixed().singlepart(SinglePart::plain(notice.text())).singlepart(attached))
    }
}

/// Who vouches for the server: the roots of the file and nobody else, or those of the system.
fn parameters(host: &str, roots_file: Option<&PathBuf>) -> Result<TlsParameters, String> {
    let builder = TlsParameters::builder(host.to_owned());
    let builder = match roots_file {
        None => builder.certificate_store(CertificateStore::Default),
        Some(file) => {
            let unusable = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
            let roots = std::fs::read(file).map_err(|error| unusable(&error))?;
            let roots = Certificate::from_pem(&roots).map_err(|error| unusable(&error))?;
            builder.certificate_store(CertificateStore::None).add_root_certificate(roots)
        }
    };
    builder.build().map_err(|error| error.to_string())
}
