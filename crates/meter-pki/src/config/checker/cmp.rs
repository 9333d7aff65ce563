//! The checks of `[cmp]`: labels that there are, files that can be read, numbers that make sense.

use super::{Checker, Stage};
use crate::coaps;
use crate::config::{RawCmp, RawEst};

impl Checker<'_> {
    /// Checks the section, with its paths as seen from here.
    pub(super) fn cmp(&mut self, raw: &RawCmp, est: &RawEst) -> Option<RawCmp> {
        if self.stage == Stage::Service {
            drop(self.certificate("cmp.message_certificate_file", &raw.message_certificate_file));
        }
        drop(self.certificates("cmp.message_chain_files", &raw.message_chain_files));
        for (what, file) in [
            ("cmp.message_key_file", &raw.message_key_file),
            ("cmp.message_passphrase_file", &raw.message_passphrase_file),
        ] {
            drop(file.as_deref().map(|file| self.readable(what, file)));
        }
        if raw.message_key_file.is_some() != raw.message_passphrase_file.is_some() {
            self.note("cmp", "message_key_file and message_passphrase_file go together");
        }
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
        Some(RawCmp {
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
}
