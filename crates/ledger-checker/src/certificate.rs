//! Certificates, CRLs and what is signed of them, read with types of the `RustCrypto` project and verified with its curves.

use std::collections::BTreeSet;

use der::asn1::{AnyRef, BitStringRef};
use der::oid::{AssociatedOid, ObjectIdentifier};
use der::{Decode, Encode, Sequence};
use p256::ecdsa::signature::Verifier;
use sha2::{Digest, Sha256, Sha384, Sha512};
use x509_cert::TbsCertificate;
use x509_cert::crl::TbsCertList;
use x509_cert::ext::Extensions;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{
    BaseCrlNumber, CrlNumber, CrlReason, IssuingDistributionPoint, SubjectKeyIdentifier,
};

/// ```text
/// SIGNED ::= SEQUENCE { toBeSigned, algorithm, signature BIT STRING }
/// ```
#[derive(Sequence)]
struct Signed<'a> {
    to_be_signed: AnyRef<'a>,
    algorithm: AnyRef<'a>,
    signature: BitStringRef<'a>,
}

/// Takes a signed structure apart: what was signed, and the signature, each DER.
pub(crate) fn split(der: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let signed = Signed::from_der(der).ok()?;
    Some((signed.to_be_signed.to_der().ok()?, signed.signature.as_bytes()?.to_vec()))
}

/// A certification authority.
pub(crate) struct Issuer {
    /// Its subject key identifier, by which the ledger calls it.
    pub(crate) key: Vec<u8>,
    pub(crate) not_after: u64,
    public_key: Vec<u8>,
}

impl Issuer {
    pub(crate) fn read(der: &[u8]) -> Option<Self> {
        let tbs = tbs_certificate(&split(der)?.0)?;
        let key = extension::<SubjectKeyIdentifier>(tbs.extensions())?.0.into_bytes().into_vec();
        let public_key = tbs.subject_public_key_info().subject_public_key.as_bytes()?.to_vec();
        Some(Self { key, not_after: tbs.validity().not_after.to_unix_duration().as_secs(), public_key })
    }

    /// Tells whether a signature is this authority's.
    pub(crate) fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        // A point of P-256 has 65 octets, one of P-384 has 97.
        if self.public_key.len() == 65 {
            let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&self.public_key);
            let signature = p256::ecdsa::Signature::from_der(signature);
            key.ok()
                .zip(signature.ok())
                .is_some_and(|(key, signature)| key.verify(signed, &signature).is_ok())
        } else {
            let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(&self.public_key);
            let signature = p384::ecdsa::Signature::from_der(signature);
            key.ok()
                .zip(signature.ok())
                .is_some_and(|(key, signature)| key.verify(signed, &signature).is_ok())
        }
    }
}

impl Issuer {
    /// Tells whether a signature is this authority's, made by another program, which may take another hash of SHA-2.
    pub(crate) fn signed(&self, signed: &[u8], signature: &[u8]) -> bool {
        use p256::ecdsa::signature::hazmat::PrehashVerifier;
        let hashes: [Vec<u8>; 3] = [
            Sha256::digest(signed).to_vec(),
            Sha384::digest(signed).to_vec(),
            Sha512::digest(signed).to_vec(),
        ];
        if self.public_key.len() == 65 {
            let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&self.public_key).ok();
            let pair = key.zip(p256::ecdsa::Signature::from_der(signature).ok());
            pair.is_some_and(|(key, made)| hashes.iter().any(|hash| key.verify_prehash(hash, &made).is_ok()))
        } else {
            let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(&self.public_key).ok();
            let pair = key.zip(p384::ecdsa::Signature::from_der(signature).ok());
            pair.is_some_and(|(key, made)| hashes.iter().any(|hash| key.verify_prehash(hash, &made).is_ok()))
        }
    }
}

/// What the invariants need of a certificate that was or is to be signed.
pub(crate) struct Drafted {
    pub(crate) serial: Vec<u8>,
    pub(crate) not_after: u64,
}

impl Drafted {
    pub(crate) fn read(tbs: &[u8]) -> Option<Self> {
        let tbs = tbs_certificate(tbs)?;
        Some(Self {
            serial: tbs.serial_number().as_bytes().to_vec(),
            not_after: tbs.validity().not_after.to_unix_duration().as_secs(),
        })
    }
}

fn tbs_certificate(tbs: &[u8]) -> Option<TbsCertificate> {
    TbsCertificate::from_der(tbs).ok()
}

/// What the invariants need of a CRL.
pub(crate) struct Crl {
    pub(crate) tbs: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    pub(crate) number: u64,
    /// The shard of the place that it names; `None` where it speaks of all.
    pub(crate) shard: Option<String>,
    /// Whether it lists only what changed.
    pub(crate) delta: bool,
    pub(crate) this_update: i64,
    pub(crate) serials: BTreeSet<Vec<u8>>,
    /// Those of them whose reason is certificateHold.
    pub(crate) on_hold: BTreeSet<Vec<u8>>,
}

impl Crl {
    /// Reads a published one.
    pub(crate) fn read(der: &[u8]) -> Option<Self> {
        let (tbs, signature) = split(der)?;
        Self::of_tbs(&tbs).map(|crl| Self { signature, ..crl })
    }

    /// Reads what was signed of one.
    pub(crate) fn of_tbs(octets: &[u8]) -> Option<Self> {
        let tbs: TbsCertList = TbsCertList::from_der(octets).ok()?;
        let number = extension::<CrlNumber>(tbs.crl_extensions.as_ref())?.0;
        let number = number.as_bytes().iter().fold(0, |number, octet| number << 8 | u64::from(*octet));
        let entries = tbs.revoked_certificates.unwrap_or_default();
        let on_hold = entries.iter().filter(|entry| {
            extension::<CrlReason>(entry.crl_entry_extensions.as_ref()) == Some(CrlReason::CertificateHold)
        });
        let place =
            value::<IssuingDistributionPoint>(tbs.crl_extensions.as_ref(), ISSUING_DISTRIBUTION_POINT);
        let delta = extension::<BaseCrlNumber>(tbs.crl_extensions.as_ref()).is_some();
        Some(Self {
            tbs: octets.to_vec(),
            signature: Vec::new(),
            number,
            shard: place.and_then(|place| shard_in(&place)),
            delta,
            this_update: i64::try_from(tbs.this_update.to_unix_duration().as_secs()).ok()?,
            on_hold: on_hold.map(|entry| entry.serial_number.as_bytes().to_vec()).collect(),
            serials: entries.iter().map(|entry| entry.serial_number.as_bytes().to_vec()).collect(),
        })
    }
}

/// `http://…/<shard>.crl`
fn shard_in(place: &IssuingDistributionPoint) -> Option<String> {
    let DistributionPointName::FullName(names) = place.distribution_point.as_ref()? else { return None };
    let [GeneralName::UniformResourceIdentifier(uri)] = names.as_slice() else { return None };
    let (_, file) = uri.as_str().rsplit_once('/')?;
    file.strip_suffix(".crl").map(str::to_owned)
}

/// id-ce-issuingDistributionPoint (RFC 5280 §5.2.5); the type that is at hand goes by another.
const ISSUING_DISTRIBUTION_POINT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.28");

fn extension<T: for<'a> Decode<'a> + AssociatedOid>(extensions: Option<&Extensions>) -> Option<T> {
    value(extensions, T::OID)
}

fn value<T: for<'a> Decode<'a>>(extensions: Option<&Extensions>, oid: ObjectIdentifier) -> Option<T> {
    let extension = extensions?.iter().find(|extension| extension.extn_id == oid)?;
    T::from_der(extension.extn_value.as_bytes()).ok()
}
