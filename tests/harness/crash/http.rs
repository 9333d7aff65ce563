//! As much HTTP/1.1 as a client of EST or of the operator's socket needs, blocking, over any stream.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// How long an answer may take before it counts as lost.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a client shows in the TLS handshake.
#[derive(Debug, Clone)]
pub struct Credential {
    /// Its certificate, DER.
    pub certificate: Vec<u8>,
    /// Its key, PKCS#8.
    pub key: Vec<u8>,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Retry-After, in seconds.
    pub retry_after: Option<u64>,
    /// The body.
    pub body: Vec<u8>,
}

/// A connection that is kept for several requests.
#[derive(Debug)]
pub struct Connection<S: Read + Write>(BufReader<S>);

impl Connection<UnixStream> {
    /// Connects to the operator's socket.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn operator(socket: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }
}

impl Connection<StreamOwned<ClientConnection, TcpStream>> {
    /// Connects to EST and authenticates both ends.
    ///
    /// # Errors
    /// What the operating system or TLS says.
    pub fn est(address: SocketAddr, roots: &Arc<RootCertStore>, shown: &Credential) -> io::Result<Self> {
        let tls = ClientConnection::new(tls_settings(roots, Some(shown))?, server_name())
            .map_err(io::Error::other)?;
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(StreamOwned::new(tls, stream))))
    }
}

/// Returns the settings of a client that shows this, or nothing.
///
/// # Errors
/// What TLS says.
pub fn tls_settings(roots: &Arc<RootCertStore>, shown: Option<&Credential>) -> io::Result<Arc<ClientConfig>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_root_certificates(Arc::clone(roots));
    let config = match shown {
        None => config.with_no_client_auth(),
        Some(Credential { certificate, key }) => {
            let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.clone()));
            let certificates = vec![CertificateDer::from(certificate.clone())];
            config.with_client_auth_cert(certificates, key).map_err(io::Error::other)?
        }
    };
    Ok(Arc::new(config))
}

/// What the server is called.
#[must_use]
pub fn server_name() -> ServerName<'static> {
    ServerName::try_from("localhost").expect("a name")
}

/// Writes a request.
#[must_use]
pub fn post(path: &str, media_type: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

impl<S: Read + Write> Connection<S> {
    /// Posts a body and reads the whole answer.
    ///
    /// # Errors
    /// When the connection ends before the answer does.
    pub fn post(&mut self, path: &str, media_type: &str, body: &[u8]) -> io::Result<Answer> {
        self.0.get_mut().write_all(&post(path, media_type, body))?;
        self.0.get_mut().flush()?;
        self.answer()
    }

    /// Asks for what is at a path and reads the whole answer.
    ///
    /// # Errors
    /// When the connection ends before the answer does.
    pub fn get(&mut self, path: &str) -> io::Result<Answer> {
        let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        self.0.get_mut().write_all(head.as_bytes())?;
        self.0.get_mut().flush()?;
        self.answer()
    }

    fn answer(&mut self) -> io::Result<Answer> {
        let status = self.line()?.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or(io::ErrorKind::InvalidData)?;
        let (mut length, mut retry_after) = (0, None);
        loop {
            let line = self.line()?.to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(|_| io::ErrorKind::InvalidData)?;
            }
            if let Some(value) = line.strip_prefix("retry-after:") {
                retry_after = value.trim().parse().ok();
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        Ok(Answer { status, retry_after, body })
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 || !line.ends_with('\n') {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}
