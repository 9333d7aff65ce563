//! The contract of the `Signer` port, kept by the signer on key files.
#![cfg(test)]

use ca_core::ports::Signer;
use ca_core::public_key::PublicKey;
use ca_core::suite::Curve;
use signer_file::{FileSigner, Iterations, KeyDirectory, Passphrase};

#[path = "contract/signer_contract.rs"]
mod signer_contract;

signer_contract::signer_contract!(crate::with_file_signer);

/// Hands a check a signer that was unlocked from files of its own.
fn with_file_signer(curve: Curve, check: impl FnOnce(&dyn Signer, &PublicKey)) {
    let directory = tempfile::tempdir().unwrap();
    let directory =
        KeyDirectory::create(&directory.path().join("keys")).unwrap().with_iterations(Iterations::LEAST);
    let passphrase = Passphrase::new(b"a passphrase".to_vec().into()).unwrap();
    let key = directory.generate(curve, &passphrase).unwrap();
    let signer = FileSigner::unlock(&directory, &passphrase).unwrap();
    check(&signer, &key);
}
