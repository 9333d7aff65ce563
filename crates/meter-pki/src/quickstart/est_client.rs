//! The EST client of the simulated meters and of the line station: that of `meter-pki est`, with the names of the rehearsal.

use std::net::SocketAddr;
use std::sync::Arc;

use est_client::{Connection, Endpoint, FileKey, Identity, Operation, Trust};

/// What a client shows in the TLS handshake.
pub(super) struct Credential {
    /// DER certificates, the client's own first.
    pub certificates: Vec<Vec<u8>>,
    /// PKCS#8 of the client's key.
    pub key: Vec<u8>,
}

/// A connection to the rehearsed EST server, kept for several requests.
pub(super) struct EstClient(Connection);

impl EstClient {
    /// Connects and authenticates both ends.
    pub(super) async fn connect(
        address: SocketAddr,
        trusted: &[Vec<u8>],
        credential: &Credential,
    ) -> anyhow::Result<Self> {
        // The name in the server's certificate.
        let endpoint = Endpoint::parse(&format!("https://localhost:{}", address.port()))?;
        let key = FileKey::from_der(&credential.key)?;
        let identity = Identity::Certified(est_client::Credential {
            certificates: credential.certificates.clone(),
            key: key.public().key_ref(),
            signer: Arc::new(key),
        });
        Ok(Self(Connection::open(&endpoint, &Trust::Roots(trusted.to_vec()), &identity).await?))
    }

    /// Enrols: one certification request in, one certificate out.
    pub(super) async fn enrol(&mut self, label: &str, request: &[u8]) -> anyhow::Result<Vec<u8>> {
        self.0.use_label(label);
        Ok(self.0.enrol(Operation::SimpleEnroll, request).await?)
    }
}
