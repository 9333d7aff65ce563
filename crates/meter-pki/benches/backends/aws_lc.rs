//! The tasks by aws-lc-rs.

use aws_lc_rs::agreement::{self, ECDH_P256, ECDH_P384};
use aws_lc_rs::digest::{self, SHA256, SHA384};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED,
    ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm,
    KeyPair as _, UnparsedPublicKey,
};

use crate::{MESSAGE, PIECE, Task};

const LIBRARY: &str = "aws-lc-rs";

pub(crate) fn tasks() -> Vec<Task> {
    let p256 = (&ECDSA_P256_SHA256_FIXED_SIGNING, &ECDSA_P256_SHA256_FIXED);
    let p384 = (&ECDSA_P384_SHA384_FIXED_SIGNING, &ECDSA_P384_SHA384_FIXED);
    let mut tasks = curve("P-256", p256, &ECDH_P256);
    tasks.extend(curve("P-384", p384, &ECDH_P384));
    for octets in [MESSAGE, PIECE] {
        for (hash, algorithm) in [("SHA-256", &SHA256), ("SHA-384", &SHA384)] {
            let message = vec![0x30; octets];
            tasks.push(Task::new(format!("{hash} of {octets} octets"), LIBRARY, move || {
                std::hint::black_box(digest::digest(algorithm, std::hint::black_box(&message)));
            }));
        }
    }
    tasks
}

fn curve(
    name: &str,
    (signing, verifying): (&'static EcdsaSigningAlgorithm, &'static EcdsaVerificationAlgorithm),
    agreeing: &'static agreement::Algorithm,
) -> Vec<Task> {
    let message = [0x30; MESSAGE];
    let pair = EcdsaKeyPair::generate(signing).unwrap();
    let signature = pair.sign(&SystemRandom::new(), &message).unwrap();
    let point = pair.public_key().as_ref().to_vec();
    let ours = agreement::PrivateKey::generate(agreeing).unwrap();
    let theirs = agreement::PrivateKey::generate(agreeing).unwrap().compute_public_key().unwrap();
    vec![
        Task::new(format!("{name} sign"), LIBRARY, move || {
            std::hint::black_box(pair.sign(&SystemRandom::new(), &message).unwrap());
        }),
        Task::new(format!("{name} verify"), LIBRARY, move || {
            UnparsedPublicKey::new(verifying, &point).verify(&message, signature.as_ref()).unwrap();
        }),
        Task::new(format!("{name} agree"), LIBRARY, move || {
            let peer = agreement::UnparsedPublicKey::new(agreeing, theirs.as_ref());
            let agreed = agreement::agree(&ours, peer, "no agreement", |secret| Ok(secret.to_vec()));
            std::hint::black_box(agreed.unwrap());
        }),
    ]
}
