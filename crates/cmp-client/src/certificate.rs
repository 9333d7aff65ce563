//! Whether a new certificate is the one that was asked for, and who vouches for it (RFC 9483 §4.1.1, §3.3).

use ca_core::certificate::Certificate;
use ca_core::path::{PathError, Purpose, TrustAnchor, validate};
use ca_core::public_key::PublicKey;
use ca_core::suite::Curve;
use client_kit::MadeKey;
use cmp_messages::confirmation::CertStatus;
use cmp_messages::status::{PkiFailureInfo, PkiStatus, PkiStatusInfo};
use der::asn1::OctetString;
use sha2::{Digest, Sha256, Sha384};

use crate::client::{CmpClient, Means};
use crate::inspection::Author;

/// The most certificates between a new one and its root.
const MAX_CHAIN: usize = 8;

/// A certificate that was issued, with what came along. Each DER.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// The certificate.
    pub certificate: Vec<u8>,
    /// The certificates above it, its issuer's first, without the root.
    pub chain: Vec<Vec<u8>>,
    /// Roots that came under the protection of the answer, where they are taken.
    pub roots: Vec<Vec<u8>>,
    /// Its key, where the authority made it.
    pub key: Option<MadeKey>,
    /// What the authority says it changed, where it did not grant exactly what was asked for.
    pub changed: Option<String>,
}

/// What a new certificate is held against.
pub(crate) struct Wanted<'a> {
    pub(crate) client: &'a CmpClient,
    /// The key of the request.
    pub(crate) key: &'a PublicKey,
    pub(crate) author: &'a Author,
}

/// Looks at a new certificate; says why it is not accepted.
pub(crate) fn examine(wanted: &Wanted<'_>, certificate: &Certificate, came: &Came) -> Result<(), String> {
    if certificate.public_key() != wanted.key {
        return Err("it is for another key than the one asked for".to_owned());
    }
    if let Author::Authority(authority) = wanted.author
        && !is_issued_by(certificate, authority)
    {
        return Err("a CA that did not issue it signed the answer".to_owned());
    }
    let mut anchors = wanted.client.anchors();
    // RFC 9483 §4.1.5: who shares a secret may have no trust anchor yet; the secret vouches for the one that comes along.
    if anchors.is_empty() && matches!(wanted.client.means, Means::Mac(_)) {
        anchors = came.roots.iter().map(TrustAnchor::from_certificate).collect();
        if anchors.is_empty() {
            return Ok(());
        }
    }
    let bag = came.chain_of(certificate);
    match validate(certificate.clone(), Purpose::EndEntity, (&bag, &anchors), wanted.client.clock.now()) {
        // A clock that is slow, or a certificate for later: nothing else is wrong.
        Ok(_) | Err(PathError::NotYetValid { .. }) => Ok(()),
        Err(error) => Err(format!("nobody vouches for it: {error}")),
    }
}

/// The certificates that came with a new one.
pub(crate) struct Came {
    pub(crate) bag: Vec<Certificate>,
    pub(crate) roots: Vec<Certificate>,
}

impl Came {
    pub(crate) fn read(bag: &[Vec<u8>], roots: &[Vec<u8>]) -> Self {
        let read = |all: &[Vec<u8>]| all.iter().filter_map(|der| Certificate::from_der(der).ok()).collect();
        Self { bag: read(bag), roots: read(roots) }
    }

    /// Finds the certificates above one, its issuer's first, as far as they came along. RFC 9483 §3.3: in any order, and
    /// self-signed ones MUST NOT be trusted for being there.
    pub(crate) fn chain_of(&self, certificate: &Certificate) -> Vec<Certificate> {
        let mut chain: Vec<Certificate> = Vec::new();
        let mut lowest = certificate;
        while chain.len() < MAX_CHAIN {
            let above = self.bag.iter().find(|one| {
                one.issuer() != one.subject() && is_issued_by(lowest, one) && !chain.contains(one)
            });
            let Some(above) = above else { break };
            chain.push(above.clone());
            lowest = above;
        }
        chain
    }
}

pub(crate) fn is_issued_by(certificate: &Certificate, authority: &Certificate) -> bool {
    TrustAnchor::from_certificate(authority).has_signed(certificate)
}

/// Confirms a certificate, or says why it is not accepted (RFC 9483 §4.1.1).
pub(crate) fn confirmation(
    certificate: &Certificate,
    cert_req_id: i64,
    refused: Option<&str>,
) -> der::Result<CertStatus> {
    // RFC 9483 §4.1.1: without hashAlg, the hash MUST be that of the certificate's signature.
    let hash = match certificate.signature().curve() {
        Curve::P256 => Sha256::digest(certificate.der()).to_vec(),
        Curve::P384 => Sha384::digest(certificate.der()).to_vec(),
    };
    let status = match refused {
        None => PkiStatusInfo::plain(PkiStatus::Accepted),
        Some(why) => PkiStatusInfo::rejection(PkiFailureInfo::IncorrectData, why.to_owned())?,
    };
    Ok(CertStatus {
        cert_hash: OctetString::new(hash)?,
        cert_req_id,
        status_info: Some(status),
        hash_alg: None,
    })
}
