//! What a DTLS server is told before it meets anybody: its certificates and key, suites, curves, and how it asks for a
//! client's certificate (RFC 9148 §3, RFC 7925 §4.4).

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use openssl::error::ErrorStack;
use openssl::ex_data::Index;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{
    Ssl, SslContext, SslContextBuilder, SslMethod, SslOptions, SslRef, SslSessionCacheMode, SslVerifyMode,
    SslVersion,
};
use openssl::x509::X509;

use super::cookie::CookieJar;

/// RFC 9148 §3, RFC 7925 §4.4: `TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8` is mandatory; beside it AES-GCM of either strength.
/// OpenSSL counts the short tag of CCM-8 as 64 bits, which only its level 0 admits; the list itself admits nothing weaker.
const SUITES: &str =
    "ECDHE-ECDSA-AES128-CCM8:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:@SECLEVEL=0";
/// RFC 9148 §3: secp256r1 is mandatory.
const CURVES: &str = "P-256:P-384";
/// Signatures in the handshake, the client's too.
const SIGNATURES: &str = "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384";

/// The server's certificates, its own first, and its key.
#[derive(Debug, Clone)]
pub struct DtlsIdentity {
    certificates: Vec<X509>,
    key: PKey<Private>,
}

/// Why certificates and key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadIdentityError {
    /// The certificates are not PEM.
    #[error("the certificates are not PEM: {0}")]
    Certificates(#[source] ErrorStack),
    /// There is none.
    #[error("there is no certificate")]
    NoCertificate,
    /// The key is not PEM PKCS#8 without a passphrase.
    #[error("the key is not PEM: {0}")]
    Key(#[source] ErrorStack),
    /// The key is another one's, or of a kind that is not used here.
    #[error("certificate and key do not serve for DTLS with ECDSA: {0}")]
    Unusable(#[source] ErrorStack),
}

impl DtlsIdentity {
    /// Reads certificates and key from PEM.
    ///
    /// # Errors
    /// [`LoadIdentityError`].
    pub fn from_pem(certificates: &[u8], key: &[u8]) -> Result<Self, LoadIdentityError> {
        let certificates = X509::stack_from_pem(certificates).map_err(LoadIdentityError::Certificates)?;
        if certificates.is_empty() {
            return Err(LoadIdentityError::NoCertificate);
        }
        let key = PKey::private_key_from_pem(key).map_err(LoadIdentityError::Key)?;
        Ok(Self { certificates, key })
    }
}

/// What OpenSSL keeps beside a connection for the cookie's sake.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller {
    pub(super) peer: SocketAddr,
    /// Whether its cookie came back.
    pub(super) is_reachable: bool,
}

/// Settings from which connections are made.
#[derive(Clone)]
pub(super) struct DtlsSettings {
    context: SslContext,
    caller: Index<Ssl, Caller>,
    mtu: u32,
}

impl fmt::Debug for DtlsSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DtlsSettings").field("mtu", &self.mtu).finish_non_exhaustive()
    }
}

impl DtlsSettings {
    /// Makes them; no datagram of a handshake will be longer than `mtu` octets.
    pub(super) fn new(identity: &DtlsIdentity, mtu: u32) -> Result<Self, LoadIdentityError> {
        Self::build(identity, mtu).map_err(LoadIdentityError::Unusable)
    }

    fn build(identity: &DtlsIdentity, mtu: u32) -> Result<Self, ErrorStack> {
        let mut context = SslContextBuilder::new(SslMethod::dtls_server())?;
        context.set_min_proto_version(Some(SslVersion::DTLS1_2))?;
        context.set_cipher_list(SUITES)?;
        context.set_groups_list(CURVES)?;
        context.set_sigalgs_list(SIGNATURES)?;
        present(&mut context, identity)?;
        // RFC 5929 §3: tls-unique is that of a full handshake; there is no resumption and no renegotiation.
        context.set_session_cache_mode(SslSessionCacheMode::OFF);
        context.set_options(
            SslOptions::COOKIE_EXCHANGE
                | SslOptions::NO_TICKET
                | SslOptions::NO_RENEGOTIATION
                | SslOptions::NO_QUERY_MTU
                | SslOptions::CIPHER_SERVER_PREFERENCE,
        );
        // RFC 9148 §3: a client is known by its certificate. It is asked for here and judged by the front end, so that who
        // is refused reads why; the handshake itself proves possession of the key.
        context.set_verify_callback(SslVerifyMode::PEER, |_, _| true);
        let caller = Ssl::new_ex_index()?;
        give_cookies(&mut context, caller, Arc::new(CookieJar::new()?));
        Ok(Self { context: context.build(), caller, mtu })
    }

    /// Makes the state of one connection.
    pub(super) fn connection(&self, peer: SocketAddr) -> Result<Ssl, ErrorStack> {
        let mut ssl = Ssl::new(&self.context)?;
        ssl.set_accept_state();
        ssl.set_mtu(self.mtu)?;
        ssl.set_ex_data(self.caller, Caller { peer, is_reachable: false });
        Ok(ssl)
    }

    /// Tells whether the cookie of a connection came back.
    pub(super) fn is_reachable(&self, ssl: &SslRef) -> bool {
        ssl.ex_data(self.caller).is_some_and(|caller| caller.is_reachable)
    }
}

fn present(context: &mut SslContextBuilder, identity: &DtlsIdentity) -> Result<(), ErrorStack> {
    let mut certificates = identity.certificates.iter();
    if let Some(own) = certificates.next() {
        context.set_certificate(own)?;
    }
    for above in certificates {
        context.add_extra_chain_cert(above.clone())?;
    }
    context.set_private_key(&identity.key)?;
    context.check_private_key()
}

fn give_cookies(context: &mut SslContextBuilder, caller: Index<Ssl, Caller>, jar: Arc<CookieJar>) {
    let baker = Arc::clone(&jar);
    context.set_cookie_generate_cb(move |ssl, room| {
        let peer = ssl.ex_data(caller).map(|caller| caller.peer).ok_or_else(ErrorStack::get)?;
        let cookie = baker.bake(peer)?;
        let place = room.get_mut(..cookie.len()).ok_or_else(ErrorStack::get)?;
        place.copy_from_slice(&cookie);
        Ok(cookie.len())
    });
    context.set_cookie_verify_cb(move |ssl, cookie| {
        let Some(known) = ssl.ex_data_mut(caller) else { return false };
        known.is_reachable = jar.knows(known.peer, cookie);
        known.is_reachable
    });
}
