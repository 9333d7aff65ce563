//! The checks of `[[status.push]]`.

use std::path::PathBuf;

use super::Checker;
use crate::config::RawPush;

impl Checker<'_> {
    /// A target is a folder or a store, and never half of each.
    pub(super) fn push(&mut self, raw: &RawPush) -> Option<RawPush> {
        let what = "status.push";
        match raw {
            RawPush {
                directory: Some(directory),
                endpoint: None,
                bucket: None,
                credentials_file: None,
                ..
            } => Some(RawPush { directory: Some(self.directory(what, directory)?), ..raw.clone() }),
            RawPush {
                directory: None,
                endpoint: Some(endpoint),
                bucket: Some(_),
                credentials_file: Some(credentials),
                ..
            } => {
                if endpoint.starts_with("https://") && raw.roots_file.is_none() {
                    self.note(what, "an endpoint that is https needs roots_file: who vouches for it");
                }
                if !(raw.prefix.is_empty() || raw.prefix.ends_with('/')) {
                    self.note(what, "prefix ends in /");
                }
                let file = |path: &PathBuf| self.beside(path);
                let (credentials, roots) = (file(credentials), raw.roots_file.as_ref().map(file));
                for path in std::iter::once(&credentials).chain(&roots).filter(|path| !path.is_file()) {
                    self.note(what, format!("there is no file {}", path.display()));
                }
                Some(RawPush { credentials_file: Some(credentials), roots_file: roots, ..raw.clone() })
            }
            _ => self.keep(what, Err("give either directory, or endpoint, bucket and credentials_file")),
        }
    }
}
