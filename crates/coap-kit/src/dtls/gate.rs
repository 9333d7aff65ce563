//! Who may come in: an address that proves by a cookie that it can be reached (RFC 6347 §4.2.1).
//!
//! Nothing is kept of those who have not. OpenSSL's own function for this (`DTLSv1_listen`) cannot be called from safe Rust;
//! its state machine can be used to the same end. A first `ClientHello` is given to a fresh connection, which answers with a
//! `HelloVerifyRequest` and is dropped. A second one, which is numbered 1, is given to a fresh connection that has answered a
//! first one before: the *rehearsed* one, which OpenSSL's client made when the gate was built, and whose answer nobody gets.
//! The first exchange is no part of the handshake's hash, so that it does not matter whose it was.

use std::net::SocketAddr;

use openssl::error::ErrorStack;
use openssl::ssl::{Ssl, SslContextBuilder, SslMethod, SslVersion};

use super::session::Session;
use super::settings::{DtlsIdentity, DtlsSettings, LoadIdentityError};

/// RFC 6347 §4.1, §4.2.2: type, version, epoch, sequence number and length of a record; then the type of a message.
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const RECORD_HEADER_OCTETS: usize = 13;

/// Lets in.
#[derive(Debug)]
pub(crate) struct Gate {
    settings: DtlsSettings,
    rehearsed: Vec<u8>,
}

/// What becomes of a datagram from somebody unknown.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It is answered, and nothing is kept.
    Answered(Vec<Vec<u8>>),
    /// Its sender can be reached: a handshake has begun, and its first flight is ready.
    Admitted(Box<Session>),
    /// It is no hello that may come now; nobody is told.
    Ignored,
}

/// Tells whether a datagram begins with an unprotected `ClientHello`, as also somebody sends who begins anew.
pub(crate) fn is_client_hello(datagram: &[u8]) -> bool {
    let is_handshake = datagram.first() == Some(&HANDSHAKE) && datagram.get(3..5) == Some(&[0, 0]);
    is_handshake && datagram.get(RECORD_HEADER_OCTETS) == Some(&CLIENT_HELLO)
}

impl Gate {
    /// Builds a gate; no datagram of a handshake will be longer than `mtu` octets.
    ///
    /// # Errors
    /// [`LoadIdentityError`] when certificate and key do not serve.
    pub(crate) fn new(identity: &DtlsIdentity, mtu: u32) -> Result<Self, LoadIdentityError> {
        let settings = DtlsSettings::new(identity, mtu)?;
        let rehearsed = first_hello().map_err(LoadIdentityError::Unusable)?;
        Ok(Self { settings, rehearsed })
    }

    /// Looks at a datagram from an address that has no connection.
    pub(crate) fn knock(&self, peer: SocketAddr, datagram: &[u8]) -> Verdict {
        if !is_client_hello(datagram) {
            return Verdict::Ignored;
        }
        self.first(peer, datagram).or_else(|| self.second(peer, datagram)).unwrap_or(Verdict::Ignored)
    }

    /// As a first hello. OpenSSL sets aside one that is numbered 1 and says nothing.
    fn first(&self, peer: SocketAddr, datagram: &[u8]) -> Option<Verdict> {
        let mut session = self.fresh(peer)?;
        session.put(datagram.to_vec());
        session.progress().ok()?;
        // Somebody may have its cookie already.
        if self.settings.is_reachable(session.ssl()) {
            return Some(Verdict::Admitted(Box::new(session)));
        }
        let answer = session.take();
        (!answer.is_empty()).then_some(Verdict::Answered(answer))
    }

    /// As the hello after a `HelloVerifyRequest`.
    fn second(&self, peer: SocketAddr, datagram: &[u8]) -> Option<Verdict> {
        let mut session = self.fresh(peer)?;
        session.put(self.rehearsed.clone());
        session.progress().ok()?;
        drop(session.take());
        session.put(datagram.to_vec());
        session.progress().ok()?;
        self.settings.is_reachable(session.ssl()).then(|| Verdict::Admitted(Box::new(session)))
    }

    fn fresh(&self, peer: SocketAddr) -> Option<Session> {
        Session::new(self.settings.connection(peer).ok()?).ok()
    }
}

/// The first `ClientHello` of OpenSSL's own client, which has no cookie yet.
fn first_hello() -> Result<Vec<u8>, ErrorStack> {
    let mut context = SslContextBuilder::new(SslMethod::dtls_client())?;
    context.set_min_proto_version(Some(SslVersion::DTLS1_2))?;
    let mut ssl = Ssl::new(&context.build())?;
    ssl.set_connect_state();
    ssl.set_mtu(1_200)?;
    let mut session = Session::new(ssl)?;
    session.begin();
    session.take().into_iter().next().ok_or_else(ErrorStack::get)
}
