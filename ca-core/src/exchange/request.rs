//! What a sub-CA asks of the ceremony: a certificate for this key, under this name, by this profile.
//!
//! Signed by the key itself, so that its possession is proved twice: by the certification request, and over the nonce, the
//! name and the profile asked for. Whether the wish is granted is not decided here.

use der::asn1::{AnyRef, GeneralizedTime, OctetStringRef};
use der::{Decode, Encode, Sequence};
use sha2::{Digest, Sha256};

use super::FRESH_SECONDS;
use super::message::{
    ExchangeNonce, MessageError, MessageKind, OpenedMessage, check_form, check_fresh, decode_time,
    encode_time, not_der, sign,
};
use crate::csr::{CertificationRequest, CsrError};
use crate::distinguished_name::{DistinguishedName, NameError};
use crate::fault::Fault;
use crate::ports::Signer;
use crate::profile::{ProfileFault, ProfileId};
use crate::signing::SignFailure;
use crate::validity::UnixTime;

/// ```text
/// SubordinateRequest ::= SIGNED { SubordinateRequestBody }    -- by the key in csr
///
/// SubordinateRequestBody ::= SEQUENCE {
///     kind     ENUMERATED { subordinateRequest(0) },
///     version  INTEGER { v1(1) },
///     nonce    OCTET STRING (SIZE (32)),
///     created  GeneralizedTime,
///     profile  UTF8String,
///     subject  Name,
///     csr      CertificationRequest }
/// ```
#[derive(Sequence)]
struct SubordinateRequestBody<'a> {
    kind: MessageKind,
    version: u8,
    nonce: &'a OctetStringRef,
    created: GeneralizedTime,
    profile: String,
    subject: AnyRef<'a>,
    csr: AnyRef<'a>,
}

/// What a request is made of.
#[derive(Debug, Clone)]
pub struct RequestParts {
    /// Binds the response to this request; see [`ExchangeNonce::draw`].
    pub nonce: ExchangeNonce,
    /// The present.
    pub created: UnixTime,
    /// The profile asked for.
    pub profile: ProfileId,
    /// The name asked for.
    pub subject: DistinguishedName,
    /// States the key; see [`certification_request`](super::certification_request).
    pub csr: CertificationRequest,
}

/// A request that is not signed yet.
#[derive(Debug)]
pub struct DraftRequest {
    body: Vec<u8>,
    parts: RequestParts,
}

impl DraftRequest {
    /// Signs the request with the key that it asks a certificate for.
    ///
    /// # Errors
    /// [`SignFailure`].
    pub fn sign(self, signer: &dyn Signer) -> Result<SubordinateRequest, SignFailure> {
        let der = sign(&self.body, self.parts.csr.public_key(), signer)?;
        Ok(SubordinateRequest { der, parts: self.parts })
    }
}

/// A request whose two signatures verify under the key it asks a certificate for.
#[derive(Debug, Clone)]
pub struct SubordinateRequest {
    der: Vec<u8>,
    parts: RequestParts,
}

impl SubordinateRequest {
    /// Drafts a request.
    ///
    /// # Errors
    /// What the DER codec says of a time before 1970 or after 9999.
    pub fn draft(parts: RequestParts) -> der::Result<DraftRequest> {
        let body = SubordinateRequestBody {
            kind: MessageKind::SubordinateRequest,
            version: MessageKind::VERSION,
            nonce: OctetStringRef::new(parts.nonce.octets())?,
            created: encode_time(parts.created)?,
            profile: parts.profile.to_string(),
            subject: AnyRef::from_der(parts.subject.der())?,
            csr: AnyRef::from_der(parts.csr.der())?,
        }
        .to_der()?;
        Ok(DraftRequest { body, parts })
    }

    /// Puts together what was read and verified.
    pub(super) const fn of(der: Vec<u8>, parts: RequestParts) -> Self {
        Self { der, parts }
    }

    /// Reads a DER message and verifies both signatures.
    pub(super) fn from_message(der: &[u8]) -> Result<Self, RequestError> {
        let opened = OpenedMessage::read(MessageKind::SubordinateRequest, der)?;
        let body = SubordinateRequestBody::from_der(opened.body).map_err(not_der)?;
        check_form(body.kind, MessageKind::SubordinateRequest, body.version)?;
        let csr = CertificationRequest::from_der(&body.csr.to_der().map_err(not_der)?)?;
        opened.verify(csr.public_key())?;
        csr.prove_possession().map_err(|_| RequestError::NotPossessed)?;
        let parts = RequestParts {
            nonce: ExchangeNonce::from_octets(body.nonce.as_bytes())?,
            created: decode_time(body.created)?,
            profile: ProfileId::parse(&body.profile)?,
            subject: DistinguishedName::from_der(&body.subject.to_der().map_err(not_der)?)?,
            csr,
        };
        Ok(Self { der: der.to_vec(), parts })
    }

    /// Writes the text form, of a CMP message too.
    ///
    /// # Errors
    /// [`MessageError::Text`], which has no cause here.
    pub fn to_text(&self) -> Result<String, MessageError> {
        let parts = &self.parts;
        let lines = [
            "Request for a certificate of a subordinate certification authority".to_owned(),
            format!("  Subject     {}", parts.subject),
            format!("  Profile     {}", parts.profile),
            format!("  Key         {}, {}", parts.csr.public_key().curve(), parts.csr.public_key().key_ref()),
            format!("  Made        {}", parts.created),
            format!("  Stale from  {}", parts.created.plus_seconds(FRESH_SECONDS)),
            format!("  SHA-256     {}", Hex(&self.digest())),
        ];
        MessageKind::SubordinateRequest.armour(&lines.join("\n"), &self.der)
    }

    /// Checks that the request was made at most 14 days before `now`, and at most a day after it.
    ///
    /// # Errors
    /// [`MessageError::Stale`], [`MessageError::FromTheFuture`].
    pub fn check_fresh(&self, now: UnixTime) -> Result<(), MessageError> {
        check_fresh(self.parts.created, now)
    }

    /// Returns the octets as received.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Returns the SHA-256 of the octets as received.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(&self.der).into()
    }

    /// Returns the nonce.
    #[must_use]
    pub const fn nonce(&self) -> &ExchangeNonce {
        &self.parts.nonce
    }

    /// Returns when it was made, by its maker's clock.
    #[must_use]
    pub const fn created(&self) -> UnixTime {
        self.parts.created
    }

    /// Returns the profile asked for.
    #[must_use]
    pub const fn profile(&self) -> &ProfileId {
        &self.parts.profile
    }

    /// Returns the name asked for.
    #[must_use]
    pub const fn subject(&self) -> &DistinguishedName {
        &self.parts.subject
    }

    /// Returns the certification request.
    #[must_use]
    pub const fn csr(&self) -> &CertificationRequest {
        &self.parts.csr
    }
}

/// Octets in hexadecimal.
pub(super) struct Hex<'a>(pub(super) &'a [u8]);

impl core::fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// Why octets are not a request that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The message itself is not in order.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The certification request is not one.
    #[error(transparent)]
    Csr(#[from] CsrError),
    /// The certification request does not prove possession of its key.
    #[error("the certification request in the message does not prove possession of its key")]
    NotPossessed,
    /// The profile is not named by a profile name.
    #[error("the profile asked for has no name that a profile can have")]
    Profile,
    /// The name asked for is unusable.
    #[error(transparent)]
    Name(#[from] NameError),
}

impl From<ProfileFault> for RequestError {
    fn from(_: ProfileFault) -> Self {
        Self::Profile
    }
}

impl RequestError {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Message(error) => error.code(),
            Self::Csr(error) => error.code(),
            Self::NotPossessed => "pop.invalid",
            Self::Profile => "exchange.profile",
            Self::Name(_) => "exchange.subject",
        }
    }

    /// Returns whose fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Message(error) => error.fault(),
            Self::Csr(_) | Self::NotPossessed | Self::Profile | Self::Name(_) => Fault::Requester,
        }
    }
}
