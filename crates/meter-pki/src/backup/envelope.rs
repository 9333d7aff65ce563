//! The data key of a backup in a CMS envelope that the recovery key opens: ECDH on P-384, AES key wrap, AES-256-CBC.
//!
//! `openssl cms -decrypt` opens it too. The key wrap is what finds an altered envelope; CBC is only what the content of
//! `EnvelopedData` is customarily under.

use ca_core::ports::Entropy;
use ca_core::public_key::PublicKey;
use cms_messages::enveloped::{self, KeyName, KeyRecipient, Recipient, to_content_info};
use cms_messages::{KeyWrap, NotOpened, SealError};
use const_oid::db::rfc5911;
use p384::pkcs8::EncodePublicKey as _;
use zeroize::Zeroizing;

use super::recovery_key::{RecoveryKey, RecoveryKeyId, RecoveryPublicKey};

/// The key of the bulk encryption: 32 octets.
pub(super) type DataKey = Zeroizing<[u8; 32]>;

/// Puts a data key into an envelope for the recovery key.
pub(super) fn seal(
    recipient: &RecoveryPublicKey,
    data_key: &DataKey,
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, EnvelopeError> {
    let spki = recipient.0.to_public_key_der().map_err(|_| SealError::Cipher)?;
    let key = PublicKey::from_spki_der(spki.as_bytes()).map_err(|_| SealError::Cipher)?;
    let name = KeyName::Identifier(recipient.id().0.to_vec());
    let recipient = Recipient::Key(KeyRecipient { key: &key, name: &name, wrap: KeyWrap::Aes256, ukm: None });
    let sealed = enveloped::seal(&recipient, (rfc5911::ID_DATA, &**data_key), entropy)?;
    Ok(to_content_info(&sealed).map_err(SealError::from)?)
}

/// An envelope as it was read.
pub(super) struct Envelope {
    inner: enveloped::Envelope,
    recipient: RecoveryKeyId,
}

impl Envelope {
    /// Reads an envelope as [`seal`] makes it; anything else is refused.
    pub(super) fn from_der(der: &[u8]) -> Option<Self> {
        let inner = enveloped::Envelope::from_content_info(der)?;
        let KeyName::Identifier(identifier) = inner.key_name()? else { return None };
        let recipient = RecoveryKeyId(identifier.as_slice().try_into().ok()?);
        (inner.wrap() == KeyWrap::Aes256).then_some(Self { inner, recipient })
    }

    /// Returns the name of the recovery key that opens it.
    pub(super) const fn recipient(&self) -> RecoveryKeyId {
        self.recipient
    }

    /// Takes the data key out.
    pub(super) fn open(&self, key: &RecoveryKey) -> Result<DataKey, EnvelopeError> {
        let opened = self.inner.open_by_key(&key.0)?;
        let octets: &[u8; 32] = opened.content.as_slice().try_into().map_err(|_| NotOpened)?;
        Ok(DataKey::new(*octets))
    }
}

/// Why a data key is not in its envelope, or does not come out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EnvelopeError {
    #[error("there is no randomness for the data key")]
    Randomness,
    #[error("the data key is not sealed: {0}")]
    NotSealed(#[from] SealError),
    #[error("the recovery key does not open the envelope: it was altered")]
    NotOpened(#[from] NotOpened),
}

#[cfg(test)]
mod tests {
    use p384::pkcs8::{EncodePrivateKey, LineEnding};
    use signer_file::SystemEntropy;

    use super::*;

    #[test]
    fn the_recovery_key_opens_it_and_another_does_not() {
        let key = RecoveryKey::generate();
        let data_key = DataKey::new([7; 32]);
        let der = seal(&key.public(), &data_key, &SystemEntropy).unwrap();
        let envelope = Envelope::from_der(&der).unwrap();
        assert_eq!(envelope.recipient(), key.public().id());
        assert_eq!(envelope.open(&key).unwrap(), data_key);
        assert!(matches!(envelope.open(&RecoveryKey::generate()), Err(EnvelopeError::NotOpened(_))));
    }

    #[test]
    fn openssl_opens_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        let key = RecoveryKey::generate();
        let data_key = DataKey::new(*b"thirty-two octets of a data key!");
        std::fs::write(path("envelope.der"), seal(&key.public(), &data_key, &SystemEntropy).unwrap())
            .unwrap();
        std::fs::write(path("key.pem"), key.0.to_pkcs8_pem(LineEnding::LF).unwrap()).unwrap();
        let output = std::process::Command::new("openssl")
            .args(["cms", "-decrypt", "-inform", "DER", "-binary", "-in"])
            .arg(path("envelope.der"))
            .arg("-inkey")
            .arg(path("key.pem"))
            .output()
            .expect("openssl is not installed: run tests/run, which installs what the tests need");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.stdout, data_key.as_slice());
    }
}
