//! Who signs what technicians take along: whoever signs the server's messages of CMP, an infrastructure key.
//!
//! Not the authority's key, whose certificate has no digitalSignature.

use std::path::PathBuf;
use std::sync::Arc;

use ca_core::certificate::Certificate;
use ca_core::ports::Signer;
use cms_messages::signed::{Draft, SignerName};
use const_oid::db::rfc5911::ID_DATA;

use super::{cmp, keys};
use crate::config::Config;
use crate::exit::{Exit, Failure};

/// The signer of bundles. Its certificate is read for each of them: it need not be there when the program starts.
#[derive(Clone)]
pub(crate) struct BundleSigner {
    certificate: PathBuf,
    chain: Vec<PathBuf>,
    key: Option<PathBuf>,
    passphrase: Option<PathBuf>,
    keys: Arc<dyn Signer>,
}

impl std::fmt::Debug for BundleSigner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BundleSigner").field("certificate", &self.certificate).finish_non_exhaustive()
    }
}

/// Returns the signer; none where the configuration has no CMP.
pub(super) fn signer(config: &Config, keys: &Arc<dyn Signer>) -> Option<BundleSigner> {
    let raw = config.cmp.as_ref()?;
    Some(BundleSigner {
        certificate: raw.message_certificate_file.clone(),
        chain: raw.message_chain_files.clone(),
        key: raw.message_key_file.clone(),
        passphrase: raw.message_passphrase_file.clone(),
        keys: Arc::clone(keys),
    })
}

impl BundleSigner {
    /// Signs content; returns a `ContentInfo` with `SignedData` (RFC 5652 §5), DER, with the certificates below the root.
    pub(crate) fn sign(&self, content: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let (certificate, chain) = cmp::certified(&self.certificate, &self.chain)?;
        let (key, passphrase) = (self.key.as_deref(), self.passphrase.as_deref());
        let signer = keys::of_messages(key, passphrase, &self.keys).map_err(cmp::unsound)?;
        let key = certificate.public_key();
        let malformed = |error: der::Error| Failure::new(Exit::Failed, "bundle.not-encoded", error);
        let draft = Draft::new(key.curve(), ID_DATA, content).map_err(malformed)?;
        let octets = draft.to_be_signed().map_err(malformed)?;
        let signature = signer.sign(&key.key_ref(), &octets).map_err(|error| {
            Failure::new(Exit::Unavailable, "signer.unavailable", error).then("try again")
        })?;
        let others: Vec<&[u8]> = chain.iter().map(Certificate::der).collect();
        let signed = draft.signed((&certificate, SignerName::IssuerAndSerialNumber), &signature, &others);
        signed.and_then(|signed| signed.in_der_order()?.to_content_info()).map_err(malformed)
    }
}
