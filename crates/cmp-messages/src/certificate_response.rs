//! Certificate responses: ip, cp and kup (RFC 9810 §5.3.4). Certificates and envelopes stay octets.

use der::asn1::{Any, OctetString};
use der::{Choice, Decode, Encode, EncodeValue, Sequence, Tag, TagNumber, Tagged};

use crate::status::PkiStatusInfo;

/// ```text
/// CertRepMessage ::= SEQUENCE {
///     caPubs   [1] SEQUENCE SIZE (1..MAX) OF CMPCertificate OPTIONAL,
///     response     SEQUENCE OF CertResponse }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct CertRepMessage {
    /// Certificates that the requester may take for trust anchors.
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    pub ca_pubs: Option<Vec<Any>>,
    /// One answer for each request.
    pub response: Vec<CertResponse>,
}

/// ```text
/// CertResponse ::= SEQUENCE {
///     certReqId        INTEGER,
///     status           PKIStatusInfo,
///     certifiedKeyPair CertifiedKeyPair OPTIONAL,
///     rspInfo          OCTET STRING     OPTIONAL }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct CertResponse {
    /// The number of the request; -1 where it was PKCS#10.
    pub cert_req_id: i64,
    /// What became of it.
    pub status: PkiStatusInfo,
    /// The certificate.
    #[asn1(optional = "true")]
    pub certified_key_pair: Option<CertifiedKeyPair>,
    /// Not used.
    #[asn1(optional = "true")]
    pub rsp_info: Option<OctetString>,
}

/// ```text
/// CertifiedKeyPair ::= SEQUENCE {
///     certOrEncCert       CertOrEncCert,
///     privateKey      [0] EncryptedKey       OPTIONAL,
///     publicationInfo [1] PKIPublicationInfo OPTIONAL }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Sequence)]
pub struct CertifiedKeyPair {
    /// The certificate.
    pub cert_or_enc_cert: CertOrEncCert,
    /// The private key, where the other side made it.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub private_key: Option<EncryptedKey>,
    /// Not used.
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    pub publication_info: Option<Any>,
}

/// ```text
/// EncryptedKey ::= CHOICE { encryptedValue EncryptedValue, envelopedData [0] EnvelopedData }   -- RFC 4211 §2.1, IMPLICIT
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptedKey(Any);

impl EncryptedKey {
    const ENVELOPED: Tag = Tag::ContextSpecific { constructed: true, number: TagNumber(0) };

    /// Puts in the DER of an `EnvelopedData`.
    ///
    /// # Errors
    /// What the DER codec says.
    pub fn of_enveloped(der: &[u8]) -> der::Result<Self> {
        let sequence = Any::from_der(der)?;
        Tag::Sequence.assert_eq(sequence.tag())?;
        Any::new(Self::ENVELOPED, sequence.value()).map(Self)
    }

    /// Returns the DER of the `EnvelopedData`; `None` for the deprecated `EncryptedValue`, which is not looked into.
    ///
    /// # Errors
    /// What the DER codec says.
    pub fn enveloped(&self) -> der::Result<Option<Vec<u8>>> {
        if self.0.tag() != Self::ENVELOPED {
            return Ok(None);
        }
        Any::new(Tag::Sequence, self.0.value())?.to_der().map(Some)
    }
}

impl<'a> Decode<'a> for EncryptedKey {
    type Error = der::Error;

    fn decode<R: der::Reader<'a>>(reader: &mut R) -> der::Result<Self> {
        Any::decode(reader).map(Self)
    }
}

impl Tagged for EncryptedKey {
    fn tag(&self) -> Tag {
        self.0.tag()
    }
}

impl EncodeValue for EncryptedKey {
    fn value_len(&self) -> der::Result<der::Length> {
        self.0.value_len()
    }

    fn encode_value(&self, writer: &mut impl der::Writer) -> der::Result<()> {
        self.0.encode_value(writer)
    }
}

/// ```text
/// CertOrEncCert ::= CHOICE { certificate [0] CMPCertificate, encryptedCert [1] EncryptedKey }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Choice)]
pub enum CertOrEncCert {
    /// In clear.
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", constructed = "true")]
    Certificate(Any),
    /// Encrypted; not used.
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", constructed = "true")]
    Encrypted(Any),
}
