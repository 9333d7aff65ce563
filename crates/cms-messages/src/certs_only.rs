//! The certs-only answer: a CMS `SignedData` without content and without signers (RFC 5272 §4.1, RFC 5652 §5.1).
//!
//! Certificates go in octet for octet as they were issued; nothing is decoded and encoded again.

use crate::signed::SignedData;
use cms::content_info::CmsVersion;
use cms::signed_data::{DigestAlgorithmIdentifiers, EncapsulatedContentInfo, SignerInfos};
use const_oid::db::rfc5911::ID_DATA;
use der::Decode;
use der::asn1::{Any, SetOfVec};

/// Encodes certificates, each given as its DER octets, as DER; in the order of their octets, as DER wants of a SET OF.
///
/// # Errors
/// What the DER codec says when one of them is not a DER object.
pub fn encode(certificates: &[&[u8]]) -> der::Result<Vec<u8>> {
    let certificates = certificates.iter().map(|der| Any::from_der(der)).collect::<der::Result<Vec<_>>>()?;
    SignedData {
        // RFC 5652 §5.1: version 1 when the content is id-data and all certificates are of X.509.
        version: CmsVersion::V1,
        digest_algorithms: DigestAlgorithmIdentifiers::default(),
        encap_content_info: EncapsulatedContentInfo { econtent_type: ID_DATA, econtent: None },
        certificates: Some(certificates),
        crls: None,
        signer_infos: SignerInfos(SetOfVec::default()),
    }
    .in_der_order()?
    .to_content_info()
}
