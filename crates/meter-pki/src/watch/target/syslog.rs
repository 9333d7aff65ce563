//! A collector of syslog: the messages of RFC 5424, to a Unix socket or over UDP in a datagram each (RFC 5426), over TCP (RFC 6587) or
//! TLS (RFC 5425) with their lengths before them. Nobody acknowledges them: delivered is what was sent.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use client_kit::Authority;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket, UnixDatagram};
use tokio_rustls::TlsConnector;

use crate::config::NoticeLog;
use crate::doctor::Severity;
use crate::watch::alarm::Turn;
use crate::watch::notice::Notice;
use crate::web;

/// The facility: a system daemon (RFC 5424 table 1).
const FACILITY: u8 = 3;

/// The ports where an address names none (RFC 5426 §3.3, RFC 5425 §4.1); that of TCP is custom.
const PORT: u16 = 514;
const TLS_PORT: u16 = 6514;

/// Somebody who collects.
#[derive(Debug)]
pub(super) enum Collector {
    Unix(PathBuf),
    Udp(Authority),
    Tcp(Authority),
    Tls(Authority, Arc<ClientConfig>),
}

impl Collector {
    pub(super) fn new(place: &NoticeLog, roots_file: Option<&Path>) -> Result<Self, String> {
        let authority = |text: &str, port| {
            Authority::parse(text, port).map_err(|_| "the address is HOST:PORT".to_owned())
        };
        match place {
            NoticeLog::Socket(path) => Ok(Self::Unix(path.clone())),
            NoticeLog::Udp(address) => Ok(Self::Udp(authority(address, PORT)?)),
            NoticeLog::Tcp(address) => Ok(Self::Tcp(authority(address, PORT)?)),
            NoticeLog::Tls(address) => {
                let roots =
                    roots_file.ok_or("over TLS it needs roots_file: who vouches for the collector")?;
                Ok(Self::Tls(authority(address, TLS_PORT)?, Arc::new(web::trusting(roots)?)))
            }
        }
    }

    pub(super) async fn send(&self, notice: &Notice) -> Result<(), String> {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let message = message(notice, host.trim(), std::process::id());
        self.carry(message.as_bytes()).await.map_err(|error| error.to_string())
    }

    async fn carry(&self, message: &[u8]) -> std::io::Result<()> {
        match self {
            Self::Unix(path) => UnixDatagram::unbound()?.send_to(message, path).await.map(drop),
            Self::Udp(authority) => {
                let mut found = tokio::net::lookup_host((authority.host(), authority.port())).await?;
                let address =
                    found.next().ok_or_else(|| std::io::Error::other("no address has this name"))?;
                let any: std::net::IpAddr = if address.is_ipv4() { [0; 4].into() } else { [0_u16; 8].into() };
                UdpSocket::bind((any, 0)).await?.send_to(message, address).await.map(drop)
            }
            Self::Tcp(authority) => {
                framed(TcpStream::connect((authority.host(), authority.port())).await?, message).await
            }
            Self::Tls(authority, tls) => {
                let stream = TcpStream::connect((authority.host(), authority.port())).await?;
                let name =
                    ServerName::try_from(authority.host().to_owned()).map_err(std::io::Error::other)?;
                framed(TlsConnector::from(Arc::clone(tls)).connect(name, stream).await?, message).await
            }
        }
    }
}

/// What a collector is called.
pub(super) fn name(place: &NoticeLog) -> String {
    match place {
        NoticeLog::Socket(path) => format!("syslog {}", path.display()),
        NoticeLog::Udp(address) => format!("syslog {address} over UDP"),
        NoticeLog::Tcp(address) => format!("syslog {address} over TCP"),
        NoticeLog::Tls(address) => format!("syslog {address} over TLS"),
    }
}

/// The length in decimal, a space, the message (RFC 6587 §3.4.1, RFC 5425 §4.3).
async fn framed(mut stream: impl AsyncWrite + Unpin, message: &[u8]) -> std::io::Result<()> {
    let frame = [format!("{} ", message.len()).as_bytes(), message].concat();
    stream.write_all(&frame).await?;
    stream.shutdown().await
}

/// RFC 5424 §6: `<PRI>1 TIME HOST meter-pki PID MSGID - TEXT`; the message ID is the name of the check.
fn message(notice: &Notice, host: &str, process: u32) -> String {
    let is_name = |text: &str| !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_graphic());
    let host = if is_name(host) { host } else { "-" };
    let priority = FACILITY * 8 + level(notice);
    let check: String = notice.check.chars().take(32).collect();
    let Notice { at, id, .. } = notice;
    let headline = notice.headline();
    // RFC 5424 §6.4: the mark says that it is UTF-8; what is ASCII needs none, and collectors show it.
    let mark = if headline.is_ascii() { "" } else { "\u{feff}" };
    format!("<{priority}>1 {at} {host} meter-pki {process} {check} - {mark}{headline} (id {id})")
}

/// RFC 5424 table 2.
fn level(notice: &Notice) -> u8 {
    match (notice.turn, notice.severity) {
        (Turn::Over | Turn::Test, _) => 6,
        (Turn::Raised | Turn::Worse | Turn::Still, Severity::Fault) => 2,
        (Turn::Raised | Turn::Worse | Turn::Still, Severity::Warning) => 4,
        (
            Turn::Raised | Turn::Worse | Turn::Still,
            Severity::Notice | Severity::NotChecked | Severity::Ok,
        ) => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::notice::tests::notice;

    #[test]
    fn a_message_has_the_form_of_rfc_5424() {
        assert_eq!(
            message(&notice(), "host.example", 42),
            "<26>1 2027-01-15T08:01:00Z host.example meter-pki 42 doctor.crl.late - grid: FAULT doctor.crl.late raised: \
             the CRL of CN=Grid is late (and 1 more) (id 00112233445566778899aabbccddeeff)"
        );
        let umlaut = Notice { installation: "Düren".to_owned(), ..notice() };
        assert!(message(&umlaut, "h", 42).contains(" - \u{feff}Düren: FAULT "));
        let over = Notice { turn: Turn::Over, ..notice() };
        assert!(message(&over, "", 42).starts_with("<30>1 2027-01-15T08:01:00Z - meter-pki 42 "));
    }
}
