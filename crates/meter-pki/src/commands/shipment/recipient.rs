//! For whom a manifest should be, with the key: in a file, or on a token.

use std::cell::RefCell;

use ca_core::certificate::Certificate;
use ca_core::tenant::TenantId;
use client_kit::FileKey;
use cms_messages::AgreementKey;
use shipment::{ReadError, Recipient};
use signer_pkcs11::{AgreeError, Pin, TokenAgreement, TokenUri};
use zeroize::Zeroizing;

use super::refused;
use crate::cli::shipment::RecipientArgs;
use crate::commands::credential::file::CredentialFile;
use crate::exit::{Exit, Failure};

/// A recipient of manifests, who can open them.
pub(super) struct OwnRecipient {
    certificate: Certificate,
    key: OwnKey,
    /// What the token last failed with: whoever asks for an agreement is only told that there is none.
    failed: RefCell<Option<AgreeError>>,
}

enum OwnKey {
    InFile(FileKey),
    OnToken(Box<TokenAgreement>),
}

impl OwnRecipient {
    /// Reads the certificate, and finds its key.
    pub(super) fn read(args: &RecipientArgs) -> Result<Self, Failure> {
        let CredentialFile { certificate, key, .. } = CredentialFile::read(&args.recipient)?;
        let key = match (key, &args.token) {
            (Some(key), _) => OwnKey::InFile(key),
            (None, Some(uri)) => OwnKey::OnToken(Box::new(on_token(uri, &certificate)?)),
            (None, None) => {
                let message = format!("{} has no private key", args.recipient.display());
                return Err(Failure::new(Exit::Usage, "key.not-found", message).then(
                    "put the key, PKCS#8 in PEM, behind the certificate, or name the token that has it with --token",
                ));
            }
        };
        Ok(Self { certificate, key, failed: RefCell::new(None) })
    }

    /// Returns who opens manifests, for this operator.
    pub(super) fn recipient<'a>(&'a self, tenant: Option<&'a TenantId>) -> Recipient<'a> {
        Recipient { tenant, certificate: &self.certificate, key: self }
    }

    /// Says why a manifest is not taken; a token that failed is not the manifest's fault.
    pub(super) fn refused(&self, error: &ReadError) -> Failure {
        match (error, self.failed.take()) {
            (
                ReadError::NotOpened { .. },
                Some(cause @ AgreeError::Call(_) | cause @ AgreeError::NoValue),
            ) => Failure::new(Exit::Unavailable, "keys.not-open", cause)
                .then("look at the token with `meter-pki hsm doctor`; it must have CKM_ECDH1_DERIVE"),
            _ => refused(error),
        }
    }
}

impl AgreementKey for OwnRecipient {
    fn agree(&self, point: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        match &self.key {
            OwnKey::InFile(key) => key.agree(point),
            OwnKey::OnToken(key) => key.agree(point).map_err(|cause| self.failed.replace(Some(cause))).ok(),
        }
    }
}

fn on_token(uri: &str, certificate: &Certificate) -> Result<TokenAgreement, Failure> {
    let not_open = |error: &dyn std::fmt::Display| Failure::new(Exit::Unavailable, "keys.not-open", error);
    let uri = TokenUri::parse(uri).map_err(|error| not_open(&error))?;
    let source = uri.pin_source().ok_or_else(|| not_open(&"the token URI names no pin-source"))?;
    let pin = Pin::load(source).map_err(|error| not_open(&error))?;
    TokenAgreement::open(&uri, &pin, certificate.public_key()).map_err(|error| match error {
        AgreeError::NoSuchKey { .. } => Failure::new(Exit::NotFound, "key.not-found", error)
            .then("name the token that has the key of the certificate with --token"),
        AgreeError::MayLeave { .. } => Failure::new(Exit::Refused, "key.may-leave", error)
            .then("seal it with `meter-pki hsm seal`, or have a certificate for a key that cannot leave"),
        AgreeError::Open(_) | AgreeError::NotAPoint | AgreeError::Call(_) | AgreeError::NoValue => {
            not_open(&error)
        }
    })
}
