//! What the ceremony answers: the certificate, the root above it, and the root's CRL.
//!
//! Signed by the exchange key of the ceremony, which the other end knows from before, or takes up at the first response
//! after people have compared its fingerprint. A response is believed only as the answer to one open request.

use der::asn1::{AnyRef, GeneralizedTime, OctetStringRef};
use der::{Decode, Encode, Sequence};
use sha2::{Digest, Sha256};

use super::FRESH_SECONDS;
use super::message::{
    ExchangeNonce, MessageError, MessageKind, OpenedMessage, check_form, check_fresh, decode_time,
    encode_time, not_der, sign,
};
use super::request::{Hex, SubordinateRequest};
use crate::certificate::{Certificate, CertificateError};
use crate::crl::parsed::{ParsedCrl, ReadCrlError};
use crate::fault::Fault;
use crate::ports::Signer;
use crate::public_key::{PublicKey, PublicKeyError};
use crate::signing::SignFailure;
use crate::validity::UnixTime;

/// ```text
/// SubordinateResponse ::= SIGNED { SubordinateResponseBody }    -- by exchangeKey
///
/// SubordinateResponseBody ::= SEQUENCE {
///     kind           ENUMERATED { subordinateResponse(1) },
///     version        INTEGER { v1(1) },
///     nonce          OCTET STRING (SIZE (32)),      -- of the request
///     requestDigest  OCTET STRING (SIZE (32)),      -- SHA-256 of the DER of the request
///     created        GeneralizedTime,
///     exchangeKey    SubjectPublicKeyInfo,
///     certificate    Certificate,
///     root           Certificate,
///     crl        [0] EXPLICIT CertificateList OPTIONAL }
/// ```
#[derive(Sequence)]
struct SubordinateResponseBody<'a> {
    kind: MessageKind,
    version: u8,
    nonce: &'a OctetStringRef,
    request_digest: &'a OctetStringRef,
    created: GeneralizedTime,
    exchange_key: AnyRef<'a>,
    certificate: AnyRef<'a>,
    root: AnyRef<'a>,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    crl: Option<AnyRef<'a>>,
}

/// What a response is made of.
#[derive(Debug, Clone)]
pub struct ResponseParts {
    /// The nonce of the request.
    pub nonce: ExchangeNonce,
    /// SHA-256 of the request's octets.
    pub request_digest: [u8; 32],
    /// The present.
    pub created: UnixTime,
    /// The key that signs the response.
    pub exchange_key: PublicKey,
    /// What was issued.
    pub certificate: Certificate,
    /// The root that issued it.
    pub root: Certificate,
    /// DER of the root's latest CRL, if it has one.
    pub crl: Option<Vec<u8>>,
}

/// A response that is not signed yet.
#[derive(Debug)]
pub struct DraftResponse {
    body: Vec<u8>,
    parts: ResponseParts,
}

impl DraftResponse {
    /// Signs the response with the exchange key.
    ///
    /// # Errors
    /// [`SignFailure`].
    pub fn sign(self, signer: &dyn Signer) -> Result<SubordinateResponse, SignFailure> {
        let der = sign(&self.body, &self.parts.exchange_key, signer)?;
        Ok(SubordinateResponse { der, parts: self.parts })
    }
}

/// A response whose signature verifies under the exchange key that it names. Nothing in it is to be believed before
/// [`Self::verify`].
#[derive(Debug, Clone)]
pub struct SubordinateResponse {
    der: Vec<u8>,
    parts: ResponseParts,
}

/// What the receiver of a response knows of it beforehand.
#[derive(Debug, Clone, Copy)]
pub struct ExpectedResponse<'a> {
    /// The open request that the response shall answer.
    pub request: &'a SubordinateRequest,
    /// Fingerprint of the ceremony's exchange key, as pinned or as people have just compared it.
    pub exchange_key: &'a [u8; 32],
    /// The present.
    pub now: UnixTime,
}

/// What a verified response brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedResponse {
    /// The certificate of the sub-CA.
    pub certificate: Certificate,
    /// The root that issued it.
    pub root: Certificate,
    /// DER of the root's CRL, if one came along.
    pub crl: Option<Vec<u8>>,
}

impl SubordinateResponse {
    /// Drafts a response.
    ///
    /// # Errors
    /// What the DER codec says of a time before 1970 or after 9999.
    pub fn draft(parts: ResponseParts) -> der::Result<DraftResponse> {
        let body = SubordinateResponseBody {
            kind: MessageKind::SubordinateResponse,
            version: MessageKind::VERSION,
            nonce: OctetStringRef::new(parts.nonce.octets())?,
            request_digest: OctetStringRef::new(&parts.request_digest)?,
            created: encode_time(parts.created)?,
            exchange_key: AnyRef::from_der(parts.exchange_key.spki_der())?,
            certificate: AnyRef::from_der(parts.certificate.der())?,
            root: AnyRef::from_der(parts.root.der())?,
            crl: parts.crl.as_deref().map(AnyRef::from_der).transpose()?,
        }
        .to_der()?;
        Ok(DraftResponse { body, parts })
    }

    /// Reads a DER response.
    ///
    /// # Errors
    /// [`ResponseError::Message`], [`ResponseError::Key`], [`ResponseError::Certificate`].
    pub fn from_der(der: &[u8]) -> Result<Self, ResponseError> {
        let opened = OpenedMessage::read(MessageKind::SubordinateResponse, der)?;
        let body = SubordinateResponseBody::from_der(opened.body).map_err(not_der)?;
        check_form(body.kind, MessageKind::SubordinateResponse, body.version)?;
        let octets = |field: AnyRef<'_>| field.to_der().map_err(not_der);
        let exchange_key = PublicKey::from_spki_der(&octets(body.exchange_key)?)?;
        opened.verify(&exchange_key)?;
        let digest = body.request_digest.as_bytes().try_into();
        let parts = ResponseParts {
            nonce: ExchangeNonce::from_octets(body.nonce.as_bytes())?,
            request_digest: digest.map_err(|_| MessageError::Field { name: "requestDigest" })?,
            created: decode_time(body.created)?,
            exchange_key,
            certificate: Certificate::from_der(&octets(body.certificate)?)?,
            root: Certificate::from_der(&octets(body.root)?)?,
            crl: body.crl.map(octets).transpose()?,
        };
        Ok(Self { der: der.to_vec(), parts })
    }

    /// Reads the text form of a response, as [`Self::from_der`] does.
    ///
    /// # Errors
    /// As [`Self::from_der`].
    pub fn from_text(text: &str) -> Result<Self, ResponseError> {
        Self::from_der(&MessageKind::SubordinateResponse.unarmour(text)?)
    }

    /// Writes the text form.
    ///
    /// # Errors
    /// [`MessageError::Text`], which has no cause here.
    pub fn to_text(&self) -> Result<String, MessageError> {
        let parts = &self.parts;
        let lines = [
            "Response to a request for a certificate of a subordinate certification authority".to_owned(),
            format!("  Subject       {}", parts.certificate.subject()),
            format!("  Serial        {}", parts.certificate.serial()),
            format!("  Issuer        {}", parts.certificate.issuer()),
            format!("  Root SHA-256  {}", Hex(&Sha256::digest(parts.root.der()))),
            format!("  Exchange key  {}", Hex(&parts.exchange_key.fingerprint())),
            format!("  Made          {}", parts.created),
            format!("  Stale from    {}", parts.created.plus_seconds(FRESH_SECONDS)),
            format!("  SHA-256       {}", Hex(&Sha256::digest(&self.der))),
        ];
        MessageKind::SubordinateResponse.armour(&lines.join("\n"), &self.der)
    }

    /// Verifies that the response answers an open request, comes from the ceremony that is known, is fresh, and brings what
    /// was asked for: a CA certificate for the request's key and name, issued by the root that comes with it.
    ///
    /// The receiver then closes the request, so that the same response is not accepted again.
    ///
    /// # Errors
    /// [`ResponseError`].
    pub fn verify(self, expected: &ExpectedResponse<'_>) -> Result<AcceptedResponse, ResponseError> {
        let parts = &self.parts;
        if parts.exchange_key.fingerprint() != *expected.exchange_key {
            return Err(ResponseError::UnknownExchangeKey { found: parts.exchange_key.fingerprint() });
        }
        if parts.nonce != *expected.request.nonce() || parts.request_digest != expected.request.digest() {
            return Err(ResponseError::AnotherRequest { nonce: parts.nonce });
        }
        check_fresh(parts.created, expected.now)?;
        check_root(&parts.root, &parts.exchange_key)?;
        check_certificate(&parts.certificate, &parts.root, expected.request)?;
        if let Some(crl) = &parts.crl {
            check_crl(crl, &parts.root)?;
        }
        let ResponseParts { certificate, root, crl, .. } = self.parts;
        Ok(AcceptedResponse { certificate, root, crl })
    }

    /// Returns the octets as received.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Returns what the response says.
    #[must_use]
    pub const fn parts(&self) -> &ResponseParts {
        &self.parts
    }
}

/// RFC 5280 §3.2: a self-signed CA certificate whose key signs certificates and CRLs, and here nothing else.
fn check_root(root: &Certificate, exchange_key: &PublicKey) -> Result<(), ResponseError> {
    let self_signed = root.issuer() == root.subject() && is_signed_by(root, root);
    if self_signed && is_authority(root) && root.public_key() != exchange_key {
        Ok(())
    } else {
        Err(ResponseError::NotARoot)
    }
}

fn check_certificate(
    certificate: &Certificate,
    root: &Certificate,
    request: &SubordinateRequest,
) -> Result<(), ResponseError> {
    if certificate.public_key() != request.csr().public_key() {
        return Err(ResponseError::AnotherKey);
    }
    if certificate.subject() != request.subject() {
        return Err(ResponseError::AnotherSubject);
    }
    if certificate.issuer() != root.subject() || !is_signed_by(certificate, root) {
        return Err(ResponseError::NotIssuedByRoot);
    }
    let (validity, limit) = (certificate.validity(), root.validity());
    let nested = limit.contains(validity.not_before()) && limit.contains(validity.not_after());
    if is_authority(certificate) && nested { Ok(()) } else { Err(ResponseError::NotAuthority) }
}

fn check_crl(crl: &[u8], root: &Certificate) -> Result<(), ResponseError> {
    let parsed = ParsedCrl::from_der(crl).map_err(|cause| ResponseError::CrlUnreadable { cause })?;
    let issued = parsed.tbs().issuer() == root.subject().der() && parsed.verify(root.public_key()).is_ok();
    if issued { Ok(()) } else { Err(ResponseError::CrlNotIssuedByRoot) }
}

fn is_authority(certificate: &Certificate) -> bool {
    certificate.basic_constraints().is_some_and(|constraints| constraints.ca)
        && certificate.key_usage().is_some_and(|usage| usage.key_cert_sign() && usage.crl_sign())
}

fn is_signed_by(certificate: &Certificate, issuer: &Certificate) -> bool {
    certificate.signature().curve() == issuer.public_key().curve()
        && issuer.public_key().verify(certificate.tbs(), certificate.signature()).is_ok()
}

/// Why a response is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// The message itself is not in order.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The exchange key is unusable.
    #[error("the exchange key of the response is unusable: {0}")]
    Key(#[from] PublicKeyError),
    /// One of the certificates is unreadable.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// Signed by a ceremony that is not known here.
    #[error("the response is signed by the exchange key {}, which is not the one known here", Hex(found))]
    UnknownExchangeKey {
        /// SHA-256 of the key.
        found: [u8; 32],
    },
    /// It answers another request than the open one.
    #[error("the response answers the request with nonce {nonce}, not this one")]
    AnotherRequest {
        /// The nonce of the request that it answers.
        nonce: ExchangeNonce,
    },
    /// What is called the root is no self-signed CA certificate, or its key signed the response.
    #[error("the root in the response is not a self-signed CA certificate with a key of its own")]
    NotARoot,
    /// The certificate is for another key.
    #[error("the certificate in the response is for another key than the request")]
    AnotherKey,
    /// The certificate is for another name.
    #[error("the certificate in the response is for another name than the request")]
    AnotherSubject,
    /// The root did not issue the certificate.
    #[error("the certificate in the response was not issued by the root in it")]
    NotIssuedByRoot,
    /// The certificate is no CA's, or outlives the root.
    #[error("the certificate in the response is not that of a CA within the validity of its root")]
    NotAuthority,
    /// The CRL is unreadable.
    #[error("the CRL in the response cannot be read: {cause}")]
    CrlUnreadable {
        /// Why.
        cause: ReadCrlError,
    },
    /// The root did not issue the CRL.
    #[error("the CRL in the response was not issued by the root in it")]
    CrlNotIssuedByRoot,
}

impl ResponseError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Message(error) => error.code(),
            Self::Key(_) | Self::Certificate(_) | Self::CrlUnreadable { .. } => "exchange.malformed",
            Self::UnknownExchangeKey { .. } => "exchange.unknown-key",
            Self::AnotherRequest { .. } => "exchange.another-request",
            Self::NotARoot => "exchange.not-a-root",
            Self::AnotherKey => "exchange.another-key",
            Self::AnotherSubject => "exchange.another-subject",
            Self::NotIssuedByRoot | Self::CrlNotIssuedByRoot => "exchange.not-issued-by-root",
            Self::NotAuthority => "exchange.not-authority",
        }
    }

    /// Returns whose fault it is. A response that is not believed is its sender's.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Message(error) => error.fault(),
            Self::Key(_)
            | Self::Certificate(_)
            | Self::UnknownExchangeKey { .. }
            | Self::AnotherRequest { .. }
            | Self::NotARoot
            | Self::AnotherKey
            | Self::AnotherSubject
            | Self::NotIssuedByRoot
            | Self::NotAuthority
            | Self::CrlUnreadable { .. }
            | Self::CrlNotIssuedByRoot => Fault::Requester,
        }
    }
}
