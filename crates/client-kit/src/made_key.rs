//! A key that an authority made for a client: taken out of what the authority signed, once it is clear that the signer makes keys
//! (RFC 9483 §4.1.6, RFC 7030 §4.4.2).

use core::fmt;

use ca_core::certificate::Certificate;
use ca_core::path::{PathError, Purpose, TrustAnchor, validate};
use ca_core::public_key::PublicKey;
use ca_core::validity::UnixTime;
use cms_messages::enveloped::Opened;
use cms_messages::key_package::{KEY_PACKAGE, one_key};
use cms_messages::signed::{SignedData, VerifySignedError};
use const_oid::db::rfc5911::ID_SIGNED_DATA;
use der::Decode;
use zeroize::Zeroizing;

use crate::key_file::FileKey;

/// A key that was made elsewhere. Not printable on purpose; wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct MadeKey {
    pkcs8: Zeroizing<Vec<u8>>,
    public: PublicKey,
}

impl fmt::Debug for MadeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MadeKey({})", self.public.key_ref())
    }
}

/// Whose signatures on keys count.
#[derive(Debug, Clone, Copy)]
pub struct KeySigners<'a> {
    /// Who vouches for them; nobody where a shared secret does, and no signer is looked at (RFC 9483 §4.1.6).
    pub anchors: Option<&'a [TrustAnchor]>,
    /// What their certificates are for, one of these.
    pub purposes: &'a [Purpose],
    /// The present.
    pub now: UnixTime,
}

impl MadeKey {
    /// Takes the key out of a signed package, whose signature and signer are checked.
    ///
    /// # Errors
    /// [`MadeKeyError`].
    pub fn from_opened(opened: &Opened, signers: &KeySigners<'_>) -> Result<Self, MadeKeyError> {
        if opened.content_type != ID_SIGNED_DATA {
            return Err(MadeKeyError::NotSigned);
        }
        let signed = SignedData::from_der(&opened.content).map_err(|_| MadeKeyError::NotSigned)?;
        let mut shown: Vec<Certificate> = signed.readable_certificates().collect();
        let place = shown.iter().position(|one| signed.names(one)).ok_or(MadeKeyError::NoSigner)?;
        let signer = shown.swap_remove(place);
        signed.verify(&signer, KEY_PACKAGE)?;
        if let Some(anchors) = signers.anchors {
            let judged = |purpose| validate(signer.clone(), purpose, (&shown, anchors), signers.now);
            let mut verdicts = signers.purposes.iter().map(|purpose| judged(*purpose));
            let first = verdicts.next().ok_or(MadeKeyError::NoSigner)?;
            verdicts.fold(first, Result::or).map_err(MadeKeyError::NotTrusted)?;
        }
        let package = signed.content(KEY_PACKAGE).ok_or(MadeKeyError::NotSigned)?;
        let pkcs8 = one_key(package.as_bytes()).map_err(|_| MadeKeyError::NoKey)?;
        let public = FileKey::from_der(&pkcs8).map_err(|_| MadeKeyError::NoKey)?.public().clone();
        Ok(Self { pkcs8, public })
    }

    /// Returns the public half.
    #[must_use]
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Gives the key as PKCS#8, DER.
    #[must_use]
    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }
}

/// Why a key that was made elsewhere is not taken.
#[derive(Debug, thiserror::Error)]
pub enum MadeKeyError {
    /// Nobody signed it.
    #[error("the private key is not in a signed package")]
    NotSigned,
    /// The certificate of its signer is missing.
    #[error("the certificate of who signed the private key is not with it")]
    NoSigner,
    /// The signature is wrong.
    #[error("the signature on the private key does not count: {0}")]
    Signature(#[from] VerifySignedError),
    /// Its signer makes no keys, or nobody vouches for it.
    #[error("who signed the private key is not trusted to make keys: {0}")]
    NotTrusted(PathError),
    /// Not one key of a kind that is used here.
    #[error("the package holds not one private key on P-256 or P-384")]
    NoKey,
}
