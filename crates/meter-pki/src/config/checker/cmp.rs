//! The checks of `[cmp]`: labels that there are, files that can be read, numbers that make sense.

use std::path::PathBuf;

use super::{Checker, Stage};
use crate::coaps;
use crate::config::{RawCentralKeys, RawCmp, RawEst};

impl Checker<'_> {
    /// Checks the section, with its paths as seen from here.
    pub(super) fn cmp(&mut self, raw: &RawCmp, est: &RawEst) -> Option<RawCmp> {
        if self.stage == Stage::Service {
            drop(self.certificate("cmp.message_certificate_file", &raw.message_certificate_file));
        }
        drop(self.certificates("cmp.message_chain_files", &raw.message_chain_files));
        self.key(("cmp", "message_"), (&raw.message_key_file, &raw.message_passphrase_file));
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
        self.cmp_coaps(raw, est);
        let central_keys = raw.central_keys.as_ref().map(|keys| self.central_keys(raw, keys));
        Some(RawCmp {
            central_keys,
            message_certificate_file: self.beside(&raw.message_certificate_file),
            message_chain_files: raw.message_chain_files.iter().map(|file| self.beside(file)).collect(),
            message_key_file: raw.message_key_file.as_deref().map(|file| self.beside(file)),
            message_passphrase_file: raw.message_passphrase_file.as_deref().map(|file| self.beside(file)),
            secrets_directory,
            ..raw.clone()
        })
    }

    /// Certificate and key of the transport are those of EST, whose own faults are told there.
    fn cmp_coaps(&mut self, raw: &RawCmp, est: &RawEst) {
        if raw.coaps.is_none() || self.stage == Stage::Founding {
            return;
        }
        let read = |path| std::fs::read(self.beside(path));
        if let (Ok(certificate), Ok(key)) = (read(&est.certificate_file), read(&est.key_file)) {
            self.keep("cmp.coaps", coaps::check(&certificate, &key));
        }
    }

    /// A key file and its passphrase, or neither: the key is then in `[keys]`.
    fn key(
        &mut self,
        (section, prefix): (&str, &str),
        (key, passphrase): (&Option<PathBuf>, &Option<PathBuf>),
    ) {
        for (name, file) in [("key_file", key), ("passphrase_file", passphrase)] {
            drop(file.as_deref().map(|file| self.readable(&format!("{section}.{prefix}{name}"), file)));
        }
        if key.is_some() {
            self.software_key(&format!("{section}.{prefix}key_file"));
        }
        if key.is_some() != passphrase.is_some() {
            self.note(section, format!("{prefix}key_file and {prefix}passphrase_file go together"));
        }
    }

    fn central_keys(&mut self, raw: &RawCmp, keys: &RawCentralKeys) -> RawCentralKeys {
        if self.stage == Stage::Service {
            drop(self.certificate("cmp.central_keys.certificate_file", &keys.certificate_file));
        }
        drop(self.certificates("cmp.central_keys.chain_files", &keys.chain_files));
        self.key(("cmp.central_keys", ""), (&keys.key_file, &keys.passphrase_file));
        for label in keys.labels.iter().filter(|label| !raw.labels.contains(label)) {
            self.note("cmp.central_keys.labels", format!("the label {label} is not among cmp.labels"));
        }
        RawCentralKeys {
            certificate_file: self.beside(&keys.certificate_file),
            chain_files: keys.chain_files.iter().map(|file| self.beside(file)).collect(),
            key_file: keys.key_file.as_deref().map(|file| self.beside(file)),
            passphrase_file: keys.passphrase_file.as_deref().map(|file| self.beside(file)),
            ..keys.clone()
        }
    }
}
