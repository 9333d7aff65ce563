//! The copy of the trail over syslog (RFC 5424): octet counting over TCP (RFC 6587 §3.4.1), or a datagram socket of this machine.
//!
//! Syslog has no acknowledgement. What was written before a connection broke is therefore sent again, from the last record
//! that the connection is known to have outlived: a collector may see a record twice, told by its number, and lacks none that
//! it was alive to take.

use std::io::{self, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixDatagram;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ca_core::audit::AuditRecord;
use ca_core::ports::StatusSource;
use ca_store::Store;

use crate::config::Collector;

/// How long a connection or a write may take before it is given up and tried again.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many records are read at a time.
const PAGE: usize = 256;

/// The name under which the ledger remembers how far this copy has come.
pub(super) const CURSOR: &str = "syslog";

/// Facility 13, "log audit"; severity 6, "informational" (RFC 5424 §6.2.1).
const PRIORITY: u8 = 13 * 8 + 6;

enum Connection {
    Tcp(TcpStream),
    Unix(UnixDatagram),
}

/// The copy.
pub struct SyslogCopy {
    collector: Collector,
    connection: Option<Connection>,
    /// The last record that was written to the connection.
    sent: u64,
    /// The last record that a connection outlived.
    outlived: u64,
}

impl std::fmt::Debug for SyslogCopy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SyslogCopy").field("collector", &self.collector).finish_non_exhaustive()
    }
}

impl SyslogCopy {
    /// Goes on behind the record with this number.
    #[must_use]
    pub const fn new(collector: Collector, outlived: u64) -> Self {
        Self { collector, connection: None, sent: outlived, outlived }
    }

    /// Returns the last record that needs not be sent again.
    #[must_use]
    pub const fn reached(&self) -> u64 {
        self.outlived
    }

    /// Sends what there is to send. Blocks, for some seconds at most when nobody takes it.
    ///
    /// # Errors
    /// What the operating system or the ledger says; the next call goes on from [`Self::reached`].
    pub fn pass(&mut self, store: &Store) -> io::Result<()> {
        let outcome = self.send_all(store);
        if outcome.is_err() {
            self.connection = None;
            self.sent = self.outlived;
        }
        outcome
    }

    fn send_all(&mut self, store: &Store) -> io::Result<()> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect()?,
        };
        connection.check()?;
        // Whatever went out in earlier passes was taken by a connection that still stands.
        self.outlived = self.sent;
        loop {
            let records = store.audit_records(self.sent, PAGE).map_err(io::Error::other)?;
            if records.is_empty() {
                break;
            }
            for der in records {
                connection.send(&message(&der)?)?;
                self.sent = self.sent.saturating_add(1);
                if matches!(connection, Connection::Unix(_)) {
                    // The kernel hands a datagram over, or does not take it.
                    self.outlived = self.sent;
                }
            }
        }
        self.connection = Some(connection);
        Ok(())
    }

    fn connect(&self) -> io::Result<Connection> {
        match &self.collector {
            Collector::Tcp(address) => {
                let address = address.to_socket_addrs()?.next();
                let address =
                    address.ok_or_else(|| io::Error::other("the collector's name has no address"))?;
                let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
                stream.set_write_timeout(Some(PATIENCE))?;
                Ok(Connection::Tcp(stream))
            }
            Collector::Unix(path) => {
                let socket = UnixDatagram::unbound()?;
                socket.connect(path)?;
                socket.set_write_timeout(Some(PATIENCE))?;
                Ok(Connection::Unix(socket))
            }
        }
    }
}

impl Connection {
    /// Finds out whether the other end has gone.
    fn check(&self) -> io::Result<()> {
        let Self::Tcp(stream) = self else { return Ok(()) };
        stream.set_nonblocking(true)?;
        let seen = stream.peek(&mut [0]);
        stream.set_nonblocking(false)?;
        match seen {
            Ok(0) => Err(io::Error::from(io::ErrorKind::ConnectionAborted)),
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    fn send(&mut self, message: &str) -> io::Result<()> {
        match self {
            // RFC 6587 §3.4.1: the length in octets, a space, the message.
            Self::Tcp(stream) => stream.write_all(format!("{} {message}", message.len()).as_bytes()),
            Self::Unix(socket) => socket.send(message.as_bytes()).map(|_| ()),
        }
    }
}

/// Puts a record into a message: its fields as structured data, and its DER for whoever checks the log.
fn message(der: &[u8]) -> io::Result<String> {
    let record = AuditRecord::from_der(der).map_err(io::Error::other)?;
    let event = record.event;
    let issuer = event.issuer.map(|key| key.to_string()).unwrap_or_default();
    let serial = event.serial.map(|serial| serial.to_string()).unwrap_or_default();
    let parameters = [
        ("sequence", record.sequence.to_string()),
        ("tenant", event.tenant.to_string()),
        ("actor", event.actor),
        ("act", event.act.name().to_owned()),
        ("issuer", issuer),
        ("serial", serial),
        ("reason", event.reason),
        ("detail", event.detail),
        ("record", STANDARD.encode(der)),
    ];
    let parameters: String =
        parameters.iter().map(|(name, value)| format!(" {name}=\"{}\"", escaped(value))).collect();
    let (time, act) = (event.time, event.act);
    // RFC 5424 §6: version, time, host, application, process, kind of message, structured data. The number is the one that
    // RFC 5612 keeps for documentation.
    Ok(format!("<{PRIORITY}>1 {time} - meter-pki - {act} [audit@32473{parameters}]"))
}

/// Escapes what would end a value, and whatever moves a cursor, breaks a line or turns the direction of writing.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in crate::plain_text::plain(text).chars() {
        // RFC 5424 §6.3.3: these three are escaped by a backslash.
        if matches!(character, '"' | '\\' | ']') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use ca_core::audit::{Act, AuditEvent, AuditTrail};
    use ca_core::tenant::TenantId;
    use ca_core::validity::UnixTime;

    use super::*;

    // RFC 5424 §6.3.3: a value ends where it ends, whatever a caller put into it.
    #[test]
    fn a_06_a_value_cannot_end_itself_nor_the_message() {
        let event = AuditEvent {
            time: UnixTime::from_seconds(1_795_219_200),
            tenant: TenantId::parse("dso").unwrap(),
            actor: "CN=\"]\\ \n<110>1 x \u{1b}[2J".to_owned(),
            act: Act::RequestRefused,
            issuer: None,
            serial: None,
            reason: "refused".to_owned(),
            detail: String::new(),
            digest: Vec::new(),
        };
        let mut trail = AuditTrail::EMPTY;
        let der = trail.seal(event).unwrap().der;
        let message = message(&der).unwrap();
        let record = STANDARD.encode(&der);
        assert_eq!(
            message,
            format!(
                "<110>1 2026-11-21T00:00:00Z - meter-pki - request-refused [audit@32473 sequence=\"1\" \
                 tenant=\"dso\" actor=\"CN=\\\"\\]\\\\ \\\\u{{a}}<110>1 x \\\\u{{1b}}[2J\" act=\"request-refused\" \
                 issuer=\"\" serial=\"\" reason=\"refused\" detail=\"\" record=\"{record}\"]"
            )
        );
    }
}
