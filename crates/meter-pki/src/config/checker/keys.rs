//! The checks of `[keys]`: one place, and how tokens are used.

use std::collections::BTreeSet;
use std::time::Duration;

use signer_pkcs11::TokenOptions;

use super::Checker;
use crate::config::{KeySource, RawKeys, RawTokenBounds};

/// What to type where a key is kept by software.
const SOFTWARE_KEY: &str = "a key in a file is kept by software: type allow_software_key = true in [keys] if that is to be, or name a token or a signer";

/// Where keys may be.
const PLACES: &str =
    "give either directory and passphrase_file, or token_uri, or token_uris, or signer_socket";

impl Checker<'_> {
    pub(super) fn keys(&mut self, raw: &RawKeys) -> Option<KeySource> {
        self.software_keys = raw.allow_software_key;
        let uris = self.uris(raw);
        if raw.token.is_some() && uris.is_empty() {
            self.note("keys.token", "it says how a token is used, and no token is named");
        }
        match (&raw.directory, &raw.passphrase_file, uris.is_empty(), &raw.signer_socket) {
            (Some(directory), Some(passphrase_file), true, None) => {
                self.software_key("keys.directory");
                let directory = self.directory("keys.directory", directory);
                let passphrase_file = self.beside(passphrase_file);
                if !passphrase_file.is_file() {
                    self.note(
                        "keys.passphrase_file",
                        format!("there is no file {}", passphrase_file.display()),
                    );
                }
                Some(KeySource::Files { directory: directory?, passphrase_file })
            }
            (None, None, false, None) => {
                let options = self.token_options(&raw.token.clone().unwrap_or_default());
                Some(KeySource::Tokens { uris, options })
            }
            (None, None, true, Some(socket)) => Some(KeySource::Signer { socket: self.beside(socket) }),
            _ => self.keep("keys", Err(PLACES)),
        }
    }

    fn uris(&mut self, raw: &RawKeys) -> Vec<String> {
        match (&raw.token_uri, raw.token_uris.as_slice()) {
            (None, several) => {
                if several.iter().collect::<BTreeSet<_>>().len() < several.len() {
                    self.note("keys.token_uris", "the same token is named twice");
                }
                several.to_vec()
            }
            (Some(one), []) => vec![one.clone()],
            (Some(_), several) => {
                self.note(
                    "keys",
                    "token_uri names one token and token_uris names several: give one of the two",
                );
                several.to_vec()
            }
        }
    }

    fn token_options(&mut self, raw: &RawTokenBounds) -> TokenOptions {
        let usual = TokenOptions::default();
        let seconds = |given: Option<u16>, usual: Duration| {
            given.map_or(usual, |seconds| Duration::from_secs(seconds.into()))
        };
        let options = TokenOptions {
            sessions: raw.sessions.unwrap_or(usual.sessions),
            longest_queue: seconds(raw.longest_queue_seconds, usual.longest_queue),
            longest_call: seconds(raw.longest_call_seconds, usual.longest_call),
            shortest_rest: seconds(raw.shortest_rest_seconds, usual.shortest_rest),
            longest_rest: seconds(raw.longest_rest_seconds, usual.longest_rest),
            ..usual
        };
        if [options.longest_queue, options.longest_call, options.shortest_rest].contains(&Duration::ZERO) {
            self.note("keys.token", "each time is 1 s or more");
        }
        if options.longest_rest < options.shortest_rest {
            self.note("keys.token", "longest_rest_seconds is shorter than shortest_rest_seconds");
        }
        options
    }

    /// H-15: a key that is not kept by a token is used only where the configuration says so.
    pub(super) fn software_key(&mut self, what: &str) {
        if !self.software_keys {
            self.note(what, SOFTWARE_KEY);
        }
    }
}
