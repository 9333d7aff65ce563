//! The public key of a recipient as a file: SubjectPublicKeyInfo in PEM (RFC 8017 §A.1.1, RFC 7468 §13). It verifies nothing here.

use std::path::Path;

use der::asn1::{BitString, Null, Uint};
use der::pem::decode_vec;
use der::{Decode, Encode, Sequence};
use signer_pkcs11::WrapRecipient;
use x509_cert::spki::{AlgorithmIdentifier, SubjectPublicKeyInfo};

use crate::commands::hsm::failure;
use crate::exit::Failure;

/// RFC 8017 §A.1.1.
#[derive(Debug, Sequence)]
struct RsaPublicKey {
    modulus: Uint,
    public_exponent: Uint,
}

/// Makes the SubjectPublicKeyInfo, DER.
pub(super) fn encode(recipient: &WrapRecipient) -> der::Result<Vec<u8>> {
    let key = RsaPublicKey {
        modulus: Uint::new(&recipient.modulus)?,
        public_exponent: Uint::new(&recipient.exponent)?,
    };
    SubjectPublicKeyInfo {
        algorithm: AlgorithmIdentifier {
            oid: const_oid::db::rfc5912::RSA_ENCRYPTION,
            parameters: Some(Null),
        },
        subject_public_key: BitString::from_bytes(&key.to_der()?)?,
    }
    .to_der()
}

/// Loads the file; returns the SubjectPublicKeyInfo as well.
pub(in crate::commands) fn load(path: &Path) -> Result<(WrapRecipient, Vec<u8>), Failure> {
    let faulty = |error: &dyn std::fmt::Display| {
        let message = format!("{} is not the public key of a recipient: {error}", path.display());
        failure::usage("hsm.recipient-faulty", message)
            .then("it is the file that meter-pki hsm recipient wrote")
    };
    let text = std::fs::read(path).map_err(|error| faulty(&error))?;
    let (label, spki) = decode_vec(&text).map_err(|error| faulty(&error))?;
    if label != "PUBLIC KEY" {
        return Err(faulty(&label));
    }
    Ok((decode(&spki).map_err(|error| faulty(&error))?, spki))
}

fn decode(spki: &[u8]) -> der::Result<WrapRecipient> {
    let info = SubjectPublicKeyInfo::<Null, BitString>::from_der(spki)?;
    if info.algorithm.oid != const_oid::db::rfc5912::RSA_ENCRYPTION {
        return Err(der::ErrorKind::OidUnknown { oid: info.algorithm.oid }.into());
    }
    let key = RsaPublicKey::from_der(info.subject_public_key.raw_bytes())?;
    Ok(WrapRecipient {
        modulus: key.modulus.as_bytes().to_vec(),
        exponent: key.public_exponent.as_bytes().to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        let recipient = WrapRecipient { modulus: vec![0xC3; 384], exponent: vec![1, 0, 1] };
        assert_eq!(decode(&encode(&recipient).unwrap()).unwrap(), recipient);
    }
}
