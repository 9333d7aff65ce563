//! The header under its signature, and who may have signed it (RFC 5652 §5).
//!
//! Every octet counts: what is read is built again from what was understood of it and compared, so that nothing that the
//! signature does not cover can be altered unseen. A certificate that is not needed is refused for the same reason.

use ca_core::certificate::Certificate;
use ca_core::distinguished_name::DistinguishedName;
use ca_core::oid;
use ca_core::path::{PathError, Purpose, TrustAnchor, validate};
use ca_core::ports::{SignError, Signer};
use ca_core::signature::EcdsaSignature;
use ca_core::tenant::TenantId;
use ca_core::validity::UnixTime;
use cms_messages::signed::{Draft, SignedData, SignerName, VerifySignedError};
use const_oid::db::rfc5911::ID_DATA;
use der::Encode;

use crate::header::{Header, HeaderFault};

/// The most octets of a signed header.
pub(crate) const MAX_HEADER_OCTETS: usize = 512 << 10;

/// A header whose signature verifies with the certificate that stands in it. Whose that is, [`Self::judge`] tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedHeader {
    octets: Vec<u8>,
    header: Header,
    signer: Certificate,
    above: Vec<Certificate>,
}

impl SignedHeader {
    /// Signs a header with the key of a certificate; those above it, up to but without the trust anchor, go with it.
    pub(crate) fn sign(
        header: Header,
        (certificate, above): (&Certificate, &[Certificate]),
        signer: &dyn Signer,
    ) -> Result<Self, SignHeaderError> {
        let key = certificate.public_key();
        let draft = Draft::new(key.curve(), ID_DATA, header.to_der()?)?;
        let signature = signer.sign(&key.key_ref(), &draft.to_be_signed()?)?;
        let octets = assemble(draft, certificate, above, &signature)?;
        Self::from_der(octets).map_err(SignHeaderError::Own)
    }

    /// Reads the DER of a signed header and verifies its signature with the certificate that it names.
    ///
    /// # Errors
    /// [`HeaderRefused`].
    pub fn from_der(octets: Vec<u8>) -> Result<Self, HeaderRefused> {
        let signed = SignedData::from_content_info(&octets).map_err(|_| HeaderRefused::NotSigned)?;
        let read = |one: &der::asn1::Any| one.to_der().ok().and_then(|der| Certificate::from_der(&der).ok());
        let shown = signed.certificates.iter().flatten().map(read).collect::<Option<Vec<_>>>();
        let mut above = shown.ok_or(HeaderRefused::Certificates)?;
        let place = above.iter().position(|one| signed.names(one)).ok_or(VerifySignedError::OtherSigner)?;
        let signer = above.remove(place);
        signed.verify(&signer, ID_DATA)?;
        let content = signed.content(ID_DATA).ok_or(HeaderRefused::NotSigned)?;
        let header = Header::from_der(content.as_bytes())?;
        let again = rebuild(&signed, &header, &signer, &above);
        if again.as_deref() != Some(octets.as_slice()) {
            return Err(HeaderRefused::Otherwise);
        }
        Ok(Self { octets, header, signer, above })
    }

    /// Returns its DER, as it stands in the file.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// Returns what was signed.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// Returns the certificate of who signed it.
    #[must_use]
    pub const fn signer(&self) -> &Certificate {
        &self.signer
    }

    /// Decides whether its signer may speak for this manufacturer: a path to an anchor, a certificate for signing manifests.
    ///
    /// # Errors
    /// [`HeaderRefused`].
    pub fn judge(&self, expected: &Expected<'_>) -> Result<(), HeaderRefused> {
        let named = &self.header.manufacturer;
        if named != expected.manufacturer {
            return Err(HeaderRefused::OtherManufacturer { named: named.clone() });
        }
        let by = (self.above.as_slice(), expected.anchors);
        let path = validate(self.signer.clone(), Purpose::EndEntity, by, expected.now)?;
        if path.above().len() != self.above.len() {
            return Err(HeaderRefused::Superfluous);
        }
        if !may_sign(&self.signer) {
            return Err(HeaderRefused::Usage { subject: self.signer.subject().clone() });
        }
        let organization = organization(self.signer.subject());
        if expected.organization.is_some() && organization != expected.organization {
            return Err(HeaderRefused::OtherOrganization { subject: self.signer.subject().clone() });
        }
        Ok(())
    }
}

/// Whose manifest is expected.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The manufacturer.
    pub manufacturer: &'a TenantId,
    /// Who vouches for its signer.
    pub anchors: &'a [TrustAnchor],
    /// The organization in the name of its signer, where an anchor vouches for several manufacturers.
    pub organization: Option<&'a str>,
    /// The present.
    pub now: UnixTime,
}

/// Tells whether a certificate is one for signing manifests: of the profile `ship-signer`, digitalSignature and no more, of no
/// device.
pub(crate) fn may_sign(certificate: &Certificate) -> bool {
    let usage = certificate.extension(oid::KEY_USAGE).map(|(_, value)| value);
    // RFC 5280 §4.2.1.3: bit 0, and no other. KeyUsage ::= BIT STRING, with its unused bits.
    usage == Some(&[0x03, 0x02, 0x07, 0x80])
        && certificate.extension(oid::EXTENDED_KEY_USAGE).is_none()
        && certificate.system_title().is_none()
}

/// Tells whether a certificate is one that chunks are sealed for: of the profile `ship-recipient`, keyAgreement and no more.
pub(crate) fn may_receive(certificate: &Certificate) -> bool {
    let usage = certificate.extension(oid::KEY_USAGE).map(|(_, value)| value);
    // RFC 5280 §4.2.1.3: bit 4, and no other.
    usage == Some(&[0x03, 0x02, 0x03, 0x08])
        && certificate.extension(oid::EXTENDED_KEY_USAGE).is_none()
        && certificate.system_title().is_none()
}

fn organization(name: &DistinguishedName) -> Option<&str> {
    let mut found = name.attributes().iter().filter(|(kind, _)| *kind == oid::ORGANIZATION_NAME);
    match (found.next(), found.next()) {
        (Some((_, text)), None) => Some(text),
        _ => None,
    }
}

fn assemble(
    draft: Draft,
    signer: &Certificate,
    above: &[Certificate],
    signature: &EcdsaSignature,
) -> der::Result<Vec<u8>> {
    let others: Vec<&[u8]> = above.iter().map(Certificate::der).collect();
    let signed = draft.signed((signer, SignerName::KeyIdentifier), signature, &others)?;
    signed.in_der_order()?.to_content_info()
}

/// Writes again what was read, from what was understood of it.
fn rebuild(
    signed: &SignedData,
    header: &Header,
    signer: &Certificate,
    above: &[Certificate],
) -> Option<Vec<u8>> {
    let curve = signer.public_key().curve();
    let [info] = signed.signer_infos.0.as_slice() else { return None };
    let signature = EcdsaSignature::from_der(curve, info.signature.as_bytes()).ok()?;
    let draft = Draft::new(curve, ID_DATA, header.to_der().ok()?).ok()?;
    assemble(draft, signer, above, &signature).ok()
}

/// Why a header does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderRefused {
    /// Not a `SignedData` with content.
    #[error("it is not signed content (CMS SignedData)")]
    NotSigned,
    /// A certificate in it cannot be read.
    #[error("a certificate in it cannot be read")]
    Certificates,
    /// The signature is wrong, or of somebody else.
    #[error("{0}")]
    Signature(#[from] VerifySignedError),
    /// What was signed is no header, or one of another format.
    #[error("what was signed is not the header of a manifest: {0}")]
    Content(#[from] HeaderFault),
    /// Something is written otherwise than it is by whoever writes manifests.
    #[error("octets that the signature does not cover are not as they are written")]
    Otherwise,
    /// The manifest is of another manufacturer than expected.
    #[error("it is a manifest of the manufacturer {named}")]
    OtherManufacturer {
        /// Of which.
        named: TenantId,
    },
    /// No path leads to an anchor, or the certificate is out of its time.
    #[error("{0}")]
    Path(#[from] PathError),
    /// A certificate in it is not on the path.
    #[error("a certificate in it is not on the path to the trust anchor")]
    Superfluous,
    /// The certificate is not one for signing manifests.
    #[error("the certificate of {subject} is not one for signing manifests (profile ship-signer)")]
    Usage {
        /// Whose.
        subject: DistinguishedName,
    },
    /// The signer is of another organization.
    #[error("the signer, {subject}, is of another organization")]
    OtherOrganization {
        /// Who signed.
        subject: DistinguishedName,
    },
}

impl HeaderRefused {
    /// Returns the stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotSigned => "shipment.not-signed",
            Self::Certificates | Self::Superfluous => "shipment.signer-certificates",
            Self::Signature(_) => "shipment.signature",
            Self::Content(HeaderFault::Format { .. }) => "shipment.format",
            Self::Content(HeaderFault::NotDer | HeaderFault::Field { .. }) | Self::Otherwise => {
                "shipment.header"
            }
            Self::OtherManufacturer { .. } | Self::OtherOrganization { .. } => "shipment.other-manufacturer",
            Self::Path(PathError::Expired { .. } | PathError::NotYetValid { .. }) => {
                "shipment.signer-expired"
            }
            Self::Path(PathError::Usage { .. } | PathError::CriticalExtension { .. })
            | Self::Usage { .. } => "shipment.signer-usage",
            Self::Path(
                PathError::NoPath | PathError::TooManyCertificates { .. } | PathError::TooManySignatures,
            ) => "shipment.signer-path",
        }
    }
}

/// Why a header is not signed.
#[derive(Debug, thiserror::Error)]
pub enum SignHeaderError {
    /// It cannot be written as it is.
    #[error("the header cannot be written: {0}")]
    Header(#[from] HeaderFault),
    /// It cannot be encoded.
    #[error("the header cannot be encoded: {0}")]
    Encoding(#[from] der::Error),
    /// The signer does not sign.
    #[error("the header is not signed: {0}")]
    Signer(#[from] SignError),
    /// What was signed would not be read.
    #[error("the header that was signed would be refused: {0}")]
    Own(HeaderRefused),
}
