//! The checks of `[cmp]`: labels that there are, files that can be read, numbers that make sense.

use super::Checker;
use crate::config::{RawCentralKeys, RawCmp};

impl Checker<'_> {
    /// Checks the section, with its paths as seen from here.
    pub(super) fn cmp(&mut self, raw: &RawCmp) -> Option<RawCmp> {
        drop(self.readable("cmp.message_certificate_file", &raw.message_certificate_file));
        drop(self.certificates("cmp.message_chain_files", &raw.message_chain_files));
        drop(self.readable("cmp.message_key_file", &raw.message_key_file));
        drop(self.readable("cmp.message_passphrase_file", &raw.message_passphrase_file));
        let secrets_directory = match &raw.secrets_directory {
            Some(directory) => Some(self.directory("cmp.secrets_directory", directory)?),
            None => None,
        };
        if raw.labels.is_empty() {
            self.note("cmp.labels", "no label is served: name at least one");
        }
        let named = raw.default_label.iter().chain(raw.alias_paths.values());
        for label in named.filter(|label| !raw.labels.contains(label)) {
            self.note("cmp", format!("the label {label} is not among cmp.labels"));
        }
        if !(1..=86_400).contains(&raw.confirm_wait_seconds) {
            self.note("cmp.confirm_wait_seconds", "1 to 86400");
        }
        if raw.nested.max_messages == 0 || raw.nested.max_octets == 0 || raw.nested.at_once == 0 {
            self.note("cmp.nested", "no value may be 0");
        }
        let central_keys = raw.central_keys.as_ref().map(|keys| self.central_keys(raw, keys));
        Some(RawCmp {
            central_keys,
            message_certificate_file: self.beside(&raw.message_certificate_file),
            message_chain_files: raw.message_chain_files.iter().map(|file| self.beside(file)).collect(),
            message_key_file: self.beside(&raw.message_key_file),
            message_passphrase_file: self.beside(&raw.message_passphrase_file),
            secrets_directory,
            ..raw.clone()
        })
    }

    fn central_keys(&mut self, raw: &RawCmp, keys: &RawCentralKeys) -> RawCentralKeys {
        drop(self.readable("cmp.central_keys.certificate_file", &keys.certificate_file));
        drop(self.certificates("cmp.central_keys.chain_files", &keys.chain_files));
        drop(self.readable("cmp.central_keys.key_file", &keys.key_file));
        drop(self.readable("cmp.central_keys.passphrase_file", &keys.passphrase_file));
        for label in keys.labels.iter().filter(|label| !raw.labels.contains(label)) {
            self.note("cmp.central_keys.labels", format!("the label {label} is not among cmp.labels"));
        }
        RawCentralKeys {
            certificate_file: self.beside(&keys.certificate_file),
            chain_files: keys.chain_files.iter().map(|file| self.beside(file)).collect(),
            key_file: self.beside(&keys.key_file),
            passphrase_file: self.beside(&keys.passphrase_file),
            ..keys.clone()
        }
    }
}
