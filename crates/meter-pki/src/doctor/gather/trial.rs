//! Has each key sign once where nobody serves who could be asked: words that are no certificate and no CRL.
//!
//! Keys in files are opened with their passphrase; tokens only where whoever asks says so, since a wrong PIN costs a try. A signer
//! in another process signs nothing but what its charter names, and is not asked.

use super::super::facts::Attempt;
use crate::compose::keys::{Absence, open};
use crate::config::{Config, KeySource};

/// No DER begins like this.
const WORDS: &[u8] =
    b"meter-pki doctor: a signature to see that the key signs; it is over no certificate and no list";

pub(super) fn sign(config: &Config, login: bool) -> Vec<Attempt> {
    let may = match &config.keys {
        KeySource::Files { .. } => true,
        KeySource::Tokens { .. } => login,
        KeySource::Signer { .. } => false,
    };
    if !may {
        return Vec::new();
    }
    let keys = match open(&config.keys, Absence::Fails) {
        Ok(keys) => keys,
        Err(failure) => {
            return vec![Attempt { by: "the keys of [keys]".to_owned(), fault: Some(failure.message) }];
        }
    };
    let authorities = config.authorities.iter();
    authorities
        .map(|one| {
            let key = one.issuer.key();
            let signed = keys.signer.sign(&key, WORDS).map_err(|error| error.to_string());
            let verified = signed.and_then(|signature| {
                let known = one.issuer.certificate().public_key().verify(WORDS, &signature);
                known.map_err(|_| "its signature does not verify with its certificate".to_owned())
            });
            Attempt { by: format!("the key of {}", one.name), fault: verified.err() }
        })
        .collect()
}
