//! The tasks by `RustCrypto`: `p256`, `p384`, `sha2`.

use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::elliptic_curve::Generate as _;
use p256::elliptic_curve::sec1::ToSec1Point as _;
use sha2::{Digest as _, Sha256, Sha384};

use crate::{MESSAGE, PIECE, Task};

const LIBRARY: &str = "RustCrypto";

/// The same lines for both curves, whose crates have the same names.
macro_rules! curve {
    ($curve:ident, $name:literal) => {{
        let message = [0x30; MESSAGE];
        let (ours, theirs) = ($curve::SecretKey::generate(), $curve::SecretKey::generate().public_key());
        let pair = $curve::ecdsa::SigningKey::from(&ours);
        let public = *pair.verifying_key();
        let signature: $curve::ecdsa::Signature = pair.sign(&message);
        let point = theirs.to_sec1_point(false).as_bytes().to_vec();
        let checked = point.clone();
        vec![
            Task::new(concat!($name, " sign"), LIBRARY, move || {
                let signature: $curve::ecdsa::Signature = pair.sign(&message);
                std::hint::black_box(signature);
            }),
            Task::new(concat!($name, " verify"), LIBRARY, move || {
                public.verify(&message, &signature).unwrap();
            }),
            Task::new(concat!($name, " agree"), LIBRARY, move || {
                let theirs = $curve::PublicKey::from_sec1_bytes(&point).unwrap();
                let agreed = $curve::ecdh::diffie_hellman(ours.to_nonzero_scalar(), theirs.as_affine());
                std::hint::black_box(agreed);
            }),
            Task::new(concat!($name, " point on the curve"), LIBRARY, move || {
                std::hint::black_box($curve::PublicKey::from_sec1_bytes(&checked).unwrap());
            }),
        ]
    }};
}

pub(crate) fn tasks() -> Vec<Task> {
    let mut tasks = curve!(p256, "P-256");
    tasks.extend(curve!(p384, "P-384"));
    for octets in [MESSAGE, PIECE] {
        let (message, same) = (vec![0x30; octets], vec![0x30; octets]);
        tasks.push(Task::new(format!("SHA-256 of {octets} octets"), LIBRARY, move || {
            std::hint::black_box(Sha256::digest(std::hint::black_box(&message)));
        }));
        tasks.push(Task::new(format!("SHA-384 of {octets} octets"), LIBRARY, move || {
            std::hint::black_box(Sha384::digest(std::hint::black_box(&same)));
        }));
    }
    tasks
}
