//! The signer on tokens of SoftHSM2, on a TPM, and on tokens behind a server: the contract of the `Signer` port, and what
//! tokens do to their users.
#![cfg(test)]

mod again;
mod board;
mod board_reset;
mod cases;
mod copies;
mod faults;
mod keys;
mod opening;
mod pins;
mod recovery;
mod remote;
mod secrets;
mod several;
#[path = "../../../signer-file/tests/contract/signer_contract.rs"]
mod signer_contract;
mod softhsm;
mod swtpm;
mod tpm;

use ca_core::ports::Signer;
use ca_core::public_key::PublicKey;
use ca_core::suite::Curve;
use signer_pkcs11::TokenSigner;

signer_contract::signer_contract!(crate::with_token_signer);

/// Hands a check a signer on a token of its own, opened anew after the key was made.
fn with_token_signer<F: FnOnce(&dyn Signer, &PublicKey)>(curve: Curve, check: F) {
    softhsm::on_softhsm_for::<F>(|softhsm| {
        softhsm.make_token("contract");
        let uri = softhsm.uri("token=contract");
        let key =
            TokenSigner::open(&uri, softhsm::pin()).unwrap().generate(curve, "key of the contract").unwrap();
        let signer = TokenSigner::open(&uri, softhsm::pin()).unwrap();
        check(&signer, &key);
    });
}
