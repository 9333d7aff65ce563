//! The CMP client of a simulated meter: that of `meter-pki cmp`, with the names of the rehearsal.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::bail;
use ca_core::certificate::Certificate;
use ca_core::csr::CertificationRequest;
use cmp_client::{Connection, Endpoint, FileKey, Identity, Means, Operation, Outcome, Question, Step};
use signer_file::SystemEntropy;

use super::est_client::Credential;
use super::fleet::keep;
use crate::compose::SystemClock;

/// How far the clocks of this one machine may differ, in seconds.
const CLOCK_WINDOW: u64 = 60;

/// A meter that asks the rehearsed CMP server over plain HTTP: its messages protect themselves.
pub(super) struct CmpClient {
    client: Arc<cmp_client::CmpClient>,
    server: SocketAddr,
}

impl CmpClient {
    /// Makes one that signs its messages with this credential.
    pub(super) fn new(
        server: SocketAddr,
        trusted: &[Vec<u8>],
        credential: &Credential,
    ) -> anyhow::Result<Self> {
        let trust = trusted.iter().map(|der| Certificate::from_der(der)).collect::<Result<_, _>>()?;
        let key = FileKey::from_der(&credential.key)?;
        let means = Means::Signature(cmp_client::Credential {
            certificates: credential.certificates.clone(),
            key: key.public().key_ref(),
            signer: Arc::new(key),
        });
        let client = cmp_client::CmpClient {
            means,
            trust,
            recipient: ca_core::distinguished_name::DistinguishedName::empty(),
            profile: None,
            confirms: false,
            takes_roots: false,
            agreement: None,
            clock_window: Some(CLOCK_WINDOW),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        };
        Ok(Self { client: Arc::new(client), server })
    }

    /// Enrols by p10cr: one certification request in, one certificate out. The conversation is kept in a file, so that who lost the
    /// answer asks again in the same words.
    pub(super) async fn enrol(&self, label: &str, request: &[u8], kept: &Path) -> anyhow::Result<Vec<u8>> {
        let endpoint = Endpoint::parse(&format!("http://{}", self.server), Some(label))?;
        let mut connection = Connection::prepare(endpoint, &[], &Identity::Anonymous)?;
        let request = CertificationRequest::from_der(request)?;
        let mut conversation = if kept.exists() {
            self.client.resume(&std::fs::read(kept)?)?
        } else {
            let begun = self.client.begin(&Question::Pkcs10(&request))?;
            keep(kept, &begun.kept()?)?;
            begun
        };
        loop {
            let answer = connection.exchange(Operation::Pkcs10, &conversation.outgoing()?).await?;
            match conversation.answered(&answer)? {
                Step::Done(Outcome::Issued(issued)) => return Ok(issued.certificate),
                Step::Send => {}
                Step::Wait { .. }
                | Step::Done(Outcome::Revoked | Outcome::RevokedBefore | Outcome::Told(_)) => {
                    bail!("the CMP server issues nothing at once")
                }
            }
        }
    }
}
