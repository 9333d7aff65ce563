//! The cookie of DTLS: a keyed hash of the address it was sent to, so that the server keeps nothing until it comes back.
//!
//! RFC 6347 §4.2.1: the secret is the server's own, and a cookie is good for two minutes at most.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::memcmp;
use openssl::pkey::{PKey, Private};
use openssl::rand::rand_bytes;
use openssl::sign::Signer;
use tokio::time::Instant;

/// How long cookies of one kind are given out.
const SPAN: Duration = Duration::from_secs(60);

/// Makes cookies and knows its own.
#[derive(Debug)]
pub(super) struct CookieJar {
    secret: PKey<Private>,
    opened: Instant,
}

impl CookieJar {
    /// Draws a secret.
    pub(super) fn new() -> Result<Self, ErrorStack> {
        let mut secret = [0; 32];
        rand_bytes(&mut secret)?;
        Ok(Self { secret: PKey::hmac(&secret)?, opened: Instant::now() })
    }

    /// Returns the cookie for an address, 32 octets.
    pub(super) fn bake(&self, peer: SocketAddr) -> Result<Vec<u8>, ErrorStack> {
        self.of_span(peer, self.span())
    }

    /// Tells whether a cookie was made for this address, not long ago.
    pub(super) fn knows(&self, peer: SocketAddr, cookie: &[u8]) -> bool {
        let now = self.span();
        let is_of = |span| {
            self.of_span(peer, span).is_ok_and(|own| own.len() == cookie.len() && memcmp::eq(&own, cookie))
        };
        is_of(now) || now.checked_sub(1).is_some_and(is_of)
    }

    fn span(&self) -> u64 {
        self.opened.elapsed().as_secs() / SPAN.as_secs()
    }

    fn of_span(&self, peer: SocketAddr, span: u64) -> Result<Vec<u8>, ErrorStack> {
        let mut signer = Signer::new(MessageDigest::sha256(), &self.secret)?;
        match peer.ip() {
            IpAddr::V4(address) => signer.update(&address.octets())?,
            IpAddr::V6(address) => signer.update(&address.octets())?,
        }
        signer.update(&peer.port().to_be_bytes())?;
        signer.update(&span.to_be_bytes())?;
        signer.sign_to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(port: u16) -> SocketAddr {
        ([192, 0, 2, 1], port).into()
    }

    // RFC 6347 §4.2.1: a cookie proves that its address can be reached, and proves it of no other.
    #[test]
    fn a_cookie_is_good_for_its_address_and_port_only() {
        let jar = CookieJar::new().unwrap();
        let cookie = jar.bake(peer(1)).unwrap();
        assert_eq!(cookie.len(), 32);
        assert!(jar.knows(peer(1), &cookie));
        assert!(!jar.knows(peer(2), &cookie));
        assert!(!jar.knows(([192, 0, 2, 2], 1).into(), &cookie));
        assert!(!CookieJar::new().unwrap().knows(peer(1), &cookie), "another server's");
    }

    #[test]
    fn refuses_a_changed_cookie_and_one_of_another_length() {
        let jar = CookieJar::new().unwrap();
        let cookie = jar.bake(peer(1)).unwrap();
        for place in 0..cookie.len() {
            let mut changed = cookie.clone();
            changed[place] ^= 1;
            assert!(!jar.knows(peer(1), &changed), "octet {place}");
        }
        assert!(!jar.knows(peer(1), &cookie[..31]));
        assert!(!jar.knows(peer(1), &[]));
    }

    #[tokio::test(start_paused = true)]
    async fn a_cookie_ends_after_two_minutes_at_most() {
        let jar = CookieJar::new().unwrap();
        let cookie = jar.bake(peer(1)).unwrap();
        tokio::time::advance(Duration::from_secs(119)).await;
        assert!(jar.knows(peer(1), &cookie));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!jar.knows(peer(1), &cookie));
    }
}
