//! Calls to EST over TLS that hold no thread, for crowds of thousands.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConnection, RootCertStore};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::crash::http::{Answer, Credential, server_name, tls_settings};
use crate::rehearsal::Rehearsal;

/// How long a handshake, or an answer, may take before it counts as lost.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who calls: from an address of this machine, to the EST server of a rehearsed system.
#[derive(Debug, Clone)]
pub struct Caller {
    from: IpAddr,
    to: SocketAddr,
    roots: Arc<RootCertStore>,
}

impl Caller {
    /// Returns one that calls from the usual address.
    ///
    /// # Panics
    /// When the server's root cannot be read.
    #[must_use]
    pub fn new(rehearsal: &Rehearsal) -> Self {
        let mut roots = RootCertStore::empty();
        let root = CertificateDer::from_pem_file(rehearsal.root()).expect("the root");
        roots.add(root).expect("a root");
        let est = rehearsal.text("est").replace("https://localhost:", "127.0.0.1:");
        let (to, _) = est.split_once('/').expect("an address");
        let to = to.parse().expect("an address");
        Self { from: Ipv4Addr::LOCALHOST.into(), to, roots: Arc::new(roots) }
    }

    /// The same from another address of 127.0.0.0/8.
    #[must_use]
    pub fn from(&self, address: Ipv4Addr) -> Self {
        Self { from: address.into(), ..self.clone() }
    }

    /// Connects, without a word.
    ///
    /// # Errors
    /// What the operating system says.
    pub async fn connect(&self) -> io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(self.from, 0))?;
        let stream = timeout(PATIENCE, socket.connect(self.to)).await??;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    /// Connects and shakes hands, showing this or nothing.
    ///
    /// # Errors
    /// What the operating system or TLS says.
    pub async fn call(&self, shown: Option<&Credential>) -> io::Result<Call> {
        self.secure(self.connect().await?, shown).await
    }

    /// Returns the octets of a first message of a handshake.
    ///
    /// # Errors
    /// What TLS says.
    pub fn hello(&self) -> io::Result<Vec<u8>> {
        let settings = tls_settings(&self.roots, None)?;
        let mut client = ClientConnection::new(settings, server_name()).map_err(io::Error::other)?;
        let mut octets = Vec::new();
        client.write_tls(&mut octets)?;
        Ok(octets)
    }

    /// Shakes hands on a connection, showing this or nothing.
    ///
    /// # Errors
    /// What TLS says.
    pub async fn secure(&self, stream: TcpStream, shown: Option<&Credential>) -> io::Result<Call> {
        let settings = tls_settings(&self.roots, shown)?;
        let handshake = TlsConnector::from(settings).connect(server_name(), stream);
        Ok(Call(BufReader::new(timeout(PATIENCE, handshake).await??)))
    }
}

/// A connection.
#[derive(Debug)]
pub struct Call(BufReader<TlsStream<TcpStream>>);

impl Call {
    /// Sends octets.
    ///
    /// # Errors
    /// When the connection has ended.
    pub async fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        self.0.write_all(octets).await?;
        self.0.flush().await
    }

    /// Reads a whole answer.
    ///
    /// # Errors
    /// When the connection ends before the answer does.
    pub async fn answer(&mut self) -> io::Result<Answer> {
        timeout(PATIENCE, self.read_answer()).await?
    }

    /// Waits until the other end closes, whatever it says before.
    pub async fn ended(mut self) {
        // However it ends, it has ended.
        let _read = tokio::io::copy(&mut self.0, &mut tokio::io::sink()).await.is_ok();
    }

    /// Returns what it speaks on.
    #[must_use]
    pub fn into_stream(self) -> TlsStream<TcpStream> {
        self.0.into_inner()
    }

    async fn read_answer(&mut self) -> io::Result<Answer> {
        let status = self.line().await?.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or(io::ErrorKind::InvalidData)?;
        let (mut length, mut retry_after) = (0, None);
        loop {
            let line = self.line().await?.to_ascii_lowercase();
            match line.split_once(':') {
                Some(("content-length", value)) => {
                    length = value.trim().parse().map_err(|_| io::ErrorKind::InvalidData)?;
                }
                Some(("retry-after", value)) => retry_after = value.trim().parse().ok(),
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await?;
        Ok(Answer { status, retry_after, body })
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line).await? == 0 || !line.ends_with('\n') {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}
