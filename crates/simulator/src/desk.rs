//! How a simulated meter asks: over EST or over CMP, each with the client that devices have, and what it makes of the answer.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use ca_core::certificate::Certificate;
use ca_core::csr::CertificationRequest;
use ca_core::distinguished_name::DistinguishedName;
use ca_core::ports::{Clock, Entropy};
use cmp_client::{CmpClient, Means, Question, Step};
use est_client::{Connection, EstError, Operation, Trust};

use crate::key::MeterKey;

/// How far the clocks of meter and server may differ over CMP, in seconds.
const CLOCK_WINDOW: u64 = 60;

/// By which protocol meters enrol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Road {
    /// RFC 7030, over TLS with the certificate that the meter has.
    Est,
    /// RFC 9810 by p10cr, over HTTP with the signature key that the meter has.
    Cmp,
}

/// The server that meters ask.
#[derive(Clone)]
pub struct Server {
    /// `https://HOST:PORT` for EST, `http[s]://HOST:PORT` for CMP.
    pub address: String,
    /// The label, in which `{purpose}` stands for `ds`, `ka` or `tls` and `{suite}` for `s1` or `s2`.
    pub label: String,
    /// DER certificates of the roots that the server's may lead to.
    pub roots: Arc<Vec<Vec<u8>>>,
    /// The time of the meters.
    pub clock: Arc<dyn Clock>,
    /// The randomness of the meters.
    pub entropy: Arc<dyn Entropy>,
}

impl core::fmt::Debug for Server {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Server({} under {})", self.address, self.label)
    }
}

/// A certificate that the meter shows, and its key, PKCS#8.
pub(crate) struct Shown {
    pub(crate) certificate: Vec<u8>,
    pub(crate) key: Vec<u8>,
}

/// Why there is no certificate yet.
#[derive(Debug)]
pub(crate) enum NotYet {
    /// Nothing came back, or the server has no time: it is asked again.
    Passing { why: String, again_in: Option<Duration> },
    /// The server said no.
    Refused { why: String },
}

impl NotYet {
    pub(crate) fn passing(why: impl core::fmt::Display) -> Self {
        Self::Passing { why: why.to_string(), again_in: None }
    }

    pub(crate) fn refused(why: impl core::fmt::Display) -> Self {
        Self::Refused { why: why.to_string() }
    }
}

/// Where a request goes, and under which label.
pub(crate) struct Counter<'a> {
    pub(crate) server: &'a Server,
    /// The address of the link.
    pub(crate) way: std::net::SocketAddr,
    pub(crate) label: &'a str,
}

/// A connection over EST, kept for a meter's requests.
pub(crate) async fn open_est(
    server: &Server,
    way: std::net::SocketAddr,
    shown: &Shown,
) -> Result<Connection, NotYet> {
    let endpoint = est_client::Endpoint::parse(&server.address).map_err(NotYet::refused)?.by_way_of(way);
    let key = MeterKey::from_der(&shown.key).map_err(NotYet::refused)?;
    let identity = est_client::Identity::Certified(est_client::Credential {
        certificates: vec![shown.certificate.clone()],
        key: key.public().key_ref(),
        signer: Arc::new(key),
    });
    let trust = Trust::Roots(server.roots.to_vec());
    Connection::open(&endpoint, &trust, &identity).await.map_err(est_not_yet)
}

pub(crate) async fn enrol_est(
    connection: &mut Connection,
    label: &str,
    request: &[u8],
) -> Result<Vec<u8>, NotYet> {
    connection.use_label(label);
    connection.enrol(Operation::SimpleEnroll, request).await.map_err(est_not_yet)
}

fn est_not_yet(error: EstError) -> NotYet {
    match error {
        EstError::Unreachable(_) | EstError::Http(_) => NotYet::passing(error),
        EstError::Pending { retry_after } | EstError::Busy { retry_after, .. } => {
            NotYet::Passing { why: error.to_string(), again_in: Some(Duration::from_secs(retry_after)) }
        }
        EstError::Refused { .. }
        | EstError::Redirected { .. }
        | EstError::Tls(_)
        | EstError::Request(_)
        | EstError::Answer(_)
        | EstError::NotMade(_)
        | EstError::NotSigned(_)
        | EstError::Encode(_) => NotYet::refused(error),
    }
}

/// What a meter does with its conversation: it keeps it before it sends, and goes on with what it kept.
pub(crate) trait Notebook: Sync {
    fn kept(&self) -> Option<Vec<u8>>;
    fn keep(&self, octets: &[u8]) -> io::Result<()>;
}

/// Asks over CMP from where the conversation stands.
pub(crate) async fn enrol_cmp(
    at: &Counter<'_>,
    shown: &Shown,
    request: &[u8],
    notebook: &dyn Notebook,
) -> Result<Vec<u8>, NotYet> {
    let endpoint = cmp_client::Endpoint::parse(&at.server.address, Some(at.label));
    let endpoint = endpoint.map_err(NotYet::refused)?.by_way_of(at.way);
    let anonymous = cmp_client::Identity::Anonymous;
    let mut connection =
        cmp_client::Connection::prepare(endpoint, &at.server.roots, &anonymous).map_err(NotYet::refused)?;
    let client = Arc::new(cmp(at.server, shown)?);
    let request = CertificationRequest::from_der(request).map_err(NotYet::refused)?;
    let mut conversation = match notebook.kept() {
        Some(kept) => client.resume(&kept).map_err(NotYet::refused)?,
        None => client.begin(&Question::Pkcs10(&request)).map_err(NotYet::refused)?,
    };
    loop {
        notebook.keep(&conversation.kept().map_err(NotYet::refused)?).map_err(NotYet::refused)?;
        let outgoing = conversation.outgoing().map_err(NotYet::refused)?;
        let answer =
            connection.exchange(cmp_client::Operation::Pkcs10, &outgoing).await.map_err(cmp_not_yet)?;
        match conversation.answered(&answer) {
            Ok(Step::Done(cmp_client::Outcome::Issued(issued))) => return Ok(issued.certificate),
            Ok(Step::Send) => {}
            Ok(Step::Wait { .. }) => return Err(NotYet::passing("the authority asks to wait")),
            Ok(Step::Done(_)) => return Err(NotYet::refused("the authority answers something else")),
            Err(cmp_client::CmpError::Refused(refusal)) if refusal.is_passing() => {
                return Err(NotYet::passing(refusal));
            }
            Err(error) => return Err(NotYet::refused(error)),
        }
    }
}

fn cmp(server: &Server, shown: &Shown) -> Result<CmpClient, NotYet> {
    let key = MeterKey::from_der(&shown.key).map_err(NotYet::refused)?;
    let trust = server.roots.iter().map(|der| Certificate::from_der(der)).collect::<Result<_, _>>();
    Ok(CmpClient {
        means: Means::Signature(cmp_client::Credential {
            certificates: vec![shown.certificate.clone()],
            key: key.public().key_ref(),
            signer: Arc::new(key),
        }),
        trust: trust.map_err(NotYet::refused)?,
        recipient: DistinguishedName::empty(),
        profile: None,
        confirms: true,
        takes_roots: false,
        agreement: None,
        clock_window: Some(CLOCK_WINDOW),
        clock: Arc::clone(&server.clock),
        entropy: Arc::clone(&server.entropy),
    })
}

fn cmp_not_yet(error: cmp_client::TransferError) -> NotYet {
    match &error {
        cmp_client::TransferError::Refused { status: 503, retry_after, .. } => {
            let again_in = retry_after.map(Duration::from_secs);
            NotYet::Passing { why: error.to_string(), again_in }
        }
        cmp_client::TransferError::Unreachable(_)
        | cmp_client::TransferError::Http(_)
        | cmp_client::TransferError::Incomplete => NotYet::passing(error),
        cmp_client::TransferError::Name | cmp_client::TransferError::Refused { .. } => NotYet::refused(error),
    }
}
